/** The form of a route and its JSON are the same settings: the pure parts. */
import { expect, test } from 'vitest';
import { routeSettings } from '@weir/schema/settings/route';
import { compactRoute, prettyJson } from '@weir/schema/settings/route-words';
import { locate } from '../../dashboard/src/lib/routes/locate.ts';
import { fromSettings, movedShare, toSettings } from '../../dashboard/src/lib/routes/values.ts';
import { whole } from './whole-route.ts';

test('what the form has no field for is kept by it, wherever its rows have gone', () => {
  const values = fromSettings(whole);
  expect(routeSettings.parse(toSettings(values, whole).settings)).toEqual(whole);
  values.arms.reverse();
  values.arms.push({ target: 'openai/o3', weight: '', name: '', was: '' });
  const { split } = routeSettings.parse(toSettings(values, whole).settings);
  expect(split?.to).toEqual([whole.split?.to[1], whole.split?.to[0], { target: 'openai/o3', weight: 1 }]);
  expect(routeSettings.parse(JSON.parse(prettyJson(compactRoute(whole))))).toEqual(whole);
});

test('how many move at least is told before it is saved', () => {
  const values = fromSettings(whole);
  const moved = (weights: string[]): number | null => {
    weights.forEach((weight, index) => Object.assign(values.arms[index] ?? {}, { weight }));
    return movedShare(whole.split, values);
  };
  expect(moved(['80', '20'])).toBe(0);
  expect(moved(['90', '10'])).toBeCloseTo(0.1);
  expect(moved(['40', '10'])).toBe(0);
  values.split.name = 'another';
  expect(moved(['90', '10'])).toBeNull();
});

test('a field is found in JSON by its line, the nearest where it is missing', () => {
  const json = '{\n "a": "x}, {",\n "rules": [\n  { "when": {} },\n  { "to": [1, {"b": 2}] }\n ]\n}';
  const at = (path: string): string | undefined => {
    const place = locate(json, path);
    return place && `${place.line}: ${json.slice(place.from, place.to)}`;
  };
  expect(at('a')).toBe('2: "x}, {"');
  expect(at('rules.1.to.1.b')).toBe('5: 2');
  expect(at('rules.0.when')).toBe('4: {}');
  expect(at('rules.0.when.hours.from')).toBe('4: {}');
  expect(at('nothing')).toBe(`1: ${json}`);
  expect(locate('', 'a')).toBeUndefined();
  expect(locate('{"a', 'a')?.line).toBe(1);
});
