/** Where a route names targets, and whether each of them is one. */
import type { PolicySet, RouteSettings } from '@weir/schema/settings/route';
import { fieldsError, WeirError, type FieldError } from '../errors.ts';
import { parseTarget } from './target.ts';

export interface NamedTarget {
  /** As in `rules.0.split.to.1.target`. */
  field: string;
  target: string;
}

export function targetsOf(settings: RouteSettings): NamedTarget[] {
  const ofRules = settings.rules.flatMap((rule, index) => ofPolicies(rule, `rules.${index}.`));
  return [...ofPolicies(settings, ''), ...ofRules];
}

function ofPolicies({ target, split, balance, fallback }: PolicySet, at: string): NamedTarget[] {
  const among = (way: string, to: readonly { target: string }[] = []): NamedTarget[] =>
    to.map((one, index) => ({ field: `${at}${way}.to.${index}.target`, target: one.target }));
  return [
    ...(target === null ? [] : [{ field: `${at}target`, target }]),
    ...among('split', split?.to),
    ...among('balance', balance?.to),
    ...(fallback?.to ?? []).map((one, index) => ({ field: `${at}fallback.to.${index}`, target: one })),
  ];
}

/** @param at what stands before each field: `settings.`, or ''. @throws WeirError `bad_request` that names each that is none. */
export function checkTargets(settings: RouteSettings, at: string): void {
  const complaints = targetsOf(settings).flatMap(({ field, target }): FieldError[] => {
    const why = whyNoTarget(target);
    return why === null ? [] : [{ field: `${at}${field}`, message: why }];
  });
  if (complaints.length > 0) throw fieldsError('bad_request', complaints.slice(0, 8));
}

/** Null where it is one. */
export function whyNoTarget(target: string): string | null {
  try {
    parseTarget(target, 'bad_request');
    return null;
  } catch (error) {
    if (error instanceof WeirError) return error.message.replace(/\.$/, '');
    throw error;
  }
}
