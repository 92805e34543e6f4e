/** A route as its form has it, and back. What the form has no field for is kept as it is in the settings that it began with. Pure. */
import { defaultConditions, type RouteSettings } from '@weir/schema/settings/route';

export const ways = ['path', 'target', 'split', 'balance'] as const;
export type Way = (typeof ways)[number];

/** One of the targets between which a split or a balance chooses. */
export interface ArmValues {
  target: string;
  weight: string;
  name: string;
  /** Which one of the settings it was; '' for a new one. */
  was: string;
}

export interface UnitValues {
  /** `user`, `session`, `request` or `property`. */
  by: string;
  property: string;
}

export interface RouteValues {
  name: string;
  description: string;
  way: Way;
  target: string;
  split: UnitValues & { name: string };
  balance: UnitValues & { kind: string };
  /** Of both; the last one is empty, for one more. */
  arms: ArmValues[];
  /** The same. */
  fallback: string[];
  fallbackOn: string[];
  retry: { retries: string; min: string; max: string };
  retryOn: string[];
  timeout: { headers: string; idle: string; total: string; drain: string };
}

export type FieldErrors = Record<string, string>;

export const emptyArm = (): ArmValues => ({ target: '', weight: '', name: '', was: '' });
const conditions = defaultConditions.map(String);

export function emptyRoute(): RouteValues {
  return {
    ...{ name: '', description: '', way: 'split', target: '', arms: [emptyArm(), emptyArm()], fallback: [''] },
    split: { name: '', by: 'user', property: '' },
    balance: { kind: 'weighted', by: 'user', property: '' },
    fallbackOn: [...conditions],
    retry: { retries: '', min: '', max: '' },
    retryOn: [...conditions],
    timeout: { headers: '', idle: '', total: '', drain: '' },
  };
}

export function fromSettings(settings: RouteSettings): RouteValues {
  const { name, description, target, split, balance, fallback, retry, timeout } = settings;
  const none = emptyRoute();
  const chosen: readonly { target: string; weight: number; name?: string | undefined }[] =
    split?.to ?? balance?.to ?? [];
  const arms = chosen.map(({ target: to, weight, name: variant = '' }, index) => ({
    ...{ target: to, weight: String(weight), name: variant, was: String(index) },
  }));
  return {
    ...{ name, description, target: target ?? '' },
    way: target !== null ? 'target' : split !== null ? 'split' : balance !== null ? 'balance' : 'path',
    split: split === null ? none.split : { name: split.name, ...fromUnit(split.by) },
    balance: balance === null ? none.balance : { kind: balance.by, ...fromUnit(balance.unit) },
    arms: [...arms, emptyArm()],
    fallback: [...(fallback?.to ?? []), ''],
    fallbackOn: fallback?.on.map(String) ?? none.fallbackOn,
    retry: retry === null ? none.retry : texts({ retries: retry.retries, min: retry.min, max: retry.max }),
    retryOn: retry?.on.map(String) ?? none.retryOn,
    timeout: timeout === null ? none.timeout : zeroless(texts(timeout)),
  };
}

/** What the form says, as the REST takes it. @param base the settings that it began with. */
export function toSettings(
  values: RouteValues,
  base: RouteSettings | null,
): { settings: Record<string, unknown>; errors: FieldErrors } {
  const errors: FieldErrors = {};
  const { way, retry } = values;
  const number = (text: string, field: string): number | undefined => {
    const plain = text.replace(/(?<=\d)[,\s](?=\d{3}(\D|$))/g, '').trim();
    if (/^\d+$/.test(plain)) return Number(plain);
    errors[field] = 'expected a whole number';
    return undefined;
  };
  const numbers = (fields: Record<string, string>, at: string): Record<string, number | undefined> =>
    Object.fromEntries(
      Object.entries(fields)
        .filter(([, text]) => text.trim() !== '')
        .map(([name, text]) => [name, number(text, `${at}.${name}`)]),
    );
  const arms = used(values.arms).map((arm, index) => ({
    arm,
    fields: {
      target: arm.target.trim(),
      weight: arm.weight.trim() === '' ? 1 : number(arm.weight, `${way}.to.${index}.weight`),
    },
  }));
  const fallback = values.fallback.map((one) => one.trim()).filter((one) => one !== '');
  const clocks = numbers(values.timeout, 'timeout');
  const settings = {
    ...base,
    ...{ name: values.name.trim(), description: values.description.trim() },
    target: way === 'target' ? values.target.trim() : null,
    split: way === 'split' ? toSplit(values, base, arms) : null,
    balance:
      way === 'balance'
        ? { by: values.balance.kind, unit: toUnit(values.balance), to: arms.map(({ fields }) => fields) }
        : null,
    fallback: fallback.length === 0 ? null : { to: fallback, on: values.fallbackOn.map(toCondition) },
    retry: retry.retries.trim() === '' ? null : { ...numbers(retry, 'retry'), on: values.retryOn.map(toCondition) },
    timeout: Object.keys(clocks).length === 0 ? null : clocks,
  };
  return { settings, errors };
}

interface Arm {
  arm: ArmValues;
  fields: { target: string; weight: number | undefined };
}

function toSplit(values: RouteValues, base: RouteSettings | null, arms: readonly Arm[]): object {
  const by = toUnit(values.split);
  // A name is part of what assigns: that of the route will do.
  const name = values.split.name.trim() || (by === 'request' ? '' : values.name.trim());
  const to = arms.map(({ arm, fields }) => {
    const { name: _, ...was } = { ...(arm.was === '' ? {} : base?.split?.to[Number(arm.was)]) } as { name?: string };
    return { ...was, ...fields, ...(arm.name.trim() === '' ? {} : { name: arm.name.trim() }) };
  });
  return { ...base?.split, name, by, to };
}

/** Rows that say something. */
export const used = (arms: readonly ArmValues[]): ArmValues[] => arms.filter(({ target }) => target.trim() !== '');

/** Which of those that are sent a row is, so that what is wrong with it is found; rows left empty are not sent. */
export const placeOf = (texts: readonly string[], index: number): number =>
  texts.slice(0, index).filter((one) => one.trim() !== '').length;

function fromUnit(unit: string): UnitValues {
  const [by = '', property = ''] = unit.split(/:(.*)/s);
  return { by, property };
}
const toUnit = ({ by, property }: UnitValues): string =>
  by === 'property' ? `property:${property.trim().toLowerCase()}` : by;
const toCondition = (text: string): string | number => (/^\d+$/.test(text) ? Number(text) : text);

function texts<K extends string>(numbers: Record<K, number>): Record<K, string> {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)])) as Record<K, string>;
}
function zeroless<K extends string>(fields: Record<K, string>): Record<K, string> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value === '0' ? '' : value]),
  ) as Record<K, string>;
}

/** At least so large a share of the units is assigned otherwise than before, from 0 to 1; null where all may be. */
export function movedShare(before: RouteSettings['split'], values: RouteValues): number | null {
  if (before === null || values.way !== 'split') return null;
  const name = values.split.name.trim() || values.name.trim();
  if (name !== before.name || toUnit(values.split) !== before.by || before.by === 'request') return null;
  const shares = (arms: readonly { key: string; weight: number }[]): Map<string, number> => {
    const sum = arms.reduce((all, { weight }) => all + weight, 0);
    return new Map(arms.map(({ key, weight }) => [key, sum === 0 ? 0 : weight / sum]));
  };
  const was = shares(before.to.map((arm) => ({ key: arm.name ?? arm.target, weight: arm.weight })));
  const is = shares(
    used(values.arms).map((arm) => ({
      key: arm.name.trim() || arm.target.trim(),
      weight: weightOf(arm),
    })),
  );
  const keys = [...new Set([...was.keys(), ...is.keys()])];
  return keys.reduce((sum, key) => sum + Math.max(0, (was.get(key) ?? 0) - (is.get(key) ?? 0)), 0);
}

/** For a picture of it while it is typed. */
export function weightOf({ weight }: ArmValues): number {
  const value = weight.trim() === '' ? 1 : Number(weight);
  return Number.isFinite(value) && value > 0 ? value : 0;
}
