import type { DryRunAnswer } from '@weir/schema/settings/route-desk';
import type { FieldErrors, RouteValues } from './values.ts';

export type EditorView = 'form' | 'json';

/** A request that says of itself what is typed here. */
export interface SampleValues {
  operation: string;
  model: string;
  user: string;
  session: string;
  project: string;
  key_id: string;
  properties: string;
  bytes: string;
  at: string;
}

/** What an action of the pages of routes answers: either what was done, or what was wrong beside what was typed. */
export interface RouteAnswer {
  done?: string;
  sentence?: string;
  errors?: FieldErrors;
  plan?: DryRunAnswer;
  view?: EditorView;
  values?: RouteValues;
  json?: string;
  sample?: SampleValues;
}
