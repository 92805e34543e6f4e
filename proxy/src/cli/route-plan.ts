/** A dry run as lines of text. Pure. */
import type { DryRunAnswer } from '@weir/schema/settings/route-desk';

type PlannedTarget = DryRunAnswer['targets'][number];

export function planLines(answer: DryRunAnswer): string[] {
  const { rule, assignment, targets, retry, fallback, timeout, warnings } = answer;
  return [
    rule === null ? 'No rule matches: as the route says.' : `Rule ${rule + 1} matches.`,
    ...(assignment === null
      ? []
      : [
          `Split ${assignment.split || '(unnamed)'}, version ${assignment.split_version}: variant ${assignment.variant}`,
        ]),
    ...targets.flatMap((target, index) => [`${index + 1}. ${targetLine(target)}`, ...target.warnings.map(warning)]),
    `retry: ${retry === null ? 'none' : `${retry.retries} on ${retry.on.join(' ')}, ${retry.min} to ${retry.max} ms`}`,
    `fallback: ${fallback === null ? 'none' : `on ${fallback.on.join(' ')}`}`,
    `timeout: ${timeoutText(timeout)}`,
    ...warnings.map(warning),
  ];
}

function targetLine({ target, model, why, circuit, price_usd }: PlannedTarget): string {
  const notes = [
    why,
    ...(circuit === 'closed' ? [] : [`circuit ${circuit}`]),
    ...(price_usd === null ? [] : [`${price_usd} dollars a million tokens in and out`]),
  ];
  return `${target ?? (model === '' ? 'the call’s own target' : model)} (${notes.join('; ')})`;
}

function warning(text: string): string {
  return `   ! ${text}`;
}

function timeoutText(timeout: DryRunAnswer['timeout']): string {
  const set = Object.entries(timeout ?? {}).filter(([, ms]) => ms > 0);
  return set.length === 0 ? 'none' : set.map(([clock, ms]) => `${clock} ${ms} ms`).join(', ');
}
