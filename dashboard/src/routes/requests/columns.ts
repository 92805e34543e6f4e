/** The columns that the list can show. The chosen ones are in the URL: `?cols=time,model,cost`. */
import type { ListRow, Sort } from '@weir/schema/queries/requests';

export interface Column {
  id: string;
  name: string;
  number?: boolean;
  sort?: Sort['key'];
  /** 1: always, 2: from 720 px, 3: from 1100 px. */
  from?: 2 | 3;
  grow?: boolean;
}

export const columns: readonly Column[] = [
  { id: 'time', name: 'Time', sort: 'time' },
  { id: 'status', name: 'Outcome' },
  { id: 'model', name: 'Model', grow: true },
  { id: 'user', name: 'User', from: 2 },
  { id: 'session', name: 'Session', from: 3 },
  { id: 'operation', name: 'Operation', from: 3 },
  { id: 'path', name: 'Path', from: 3 },
  { id: 'input', name: 'Input', number: true, sort: 'input', from: 2 },
  { id: 'output', name: 'Output', number: true, sort: 'output', from: 2 },
  { id: 'cached', name: 'From cache', number: true, from: 3 },
  { id: 'reasoning', name: 'Reasoning', number: true, from: 3 },
  { id: 'first_token', name: 'First token', number: true, sort: 'first_token', from: 3 },
  { id: 'duration', name: 'Duration', number: true, sort: 'duration' },
  { id: 'cost', name: 'Cost', number: true, sort: 'cost' },
  { id: 'attempts', name: 'Attempts', number: true, from: 3 },
  { id: 'cache', name: 'Cache', from: 3 },
  { id: 'finish', name: 'Finish', from: 3 },
  { id: 'route', name: 'Route', from: 3 },
  { id: 'split', name: 'Split', from: 3 },
  { id: 'variant', name: 'Variant', from: 3 },
  { id: 'key', name: 'Key', from: 3 },
  { id: 'properties', name: 'Properties', from: 3 },
];

const usual = [
  'time',
  'status',
  'model',
  'user',
  'operation',
  'input',
  'output',
  'first_token',
  'duration',
  'cost',
  'attempts',
];

export function chosenColumns(param: string | null): Column[] {
  const wanted = param === null ? usual : param.split(',');
  const found = columns.filter((column) => wanted.includes(column.id));
  return found.length > 0 ? found : columns.filter((column) => usual.includes(column.id));
}

/** The value for the URL; null when it is the usual choice. */
export function columnsParam(ids: readonly string[]): string | null {
  const list = columns.map((column) => column.id).filter((id) => ids.includes(id));
  return list.length === 0 ||
    list.join() ===
      columns
        .map((column) => column.id)
        .filter((id) => usual.includes(id))
        .join()
    ? null
    : list.join(',');
}

export const placeOf = (row: ListRow): string => `${row.key}~${row.started_at}~${row.request_id}`;
