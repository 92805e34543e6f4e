/**
 * May this key make this call? Asked of every call that brings a Weir key, whatever its path and kind; what cannot be told for
 * certain is refused. Lists of a key that are empty restrict nothing.
 */
import { matchesPattern } from '@weir/schema/settings/pattern';
import { holdWhole, type RequestBody } from '../body.ts';
import type { Call } from '../call.ts';
import { WeirError } from '../errors.ts';
import type { Operation, Provider } from '../providers/provider.ts';
import { modelsInBody } from './models.ts';

/** Operations whose reading runs no model; a file that is sent runs none either. */
const listed: ReadonlySet<Operation> = new Set<Operation>(['model_list', 'responses', 'batch', 'file']);
/** Operations whose models Weir does not see before it is too late. */
const hidden: ReadonlySet<Operation> = new Set<Operation>(['batch', 'realtime', 'mcp', 'a2a']);

/** @throws WeirError `forbidden_target` for a provider that the call's key does not list. */
export function allowProvider({ holder }: Call, { name }: Provider): void {
  if (holder === null || holder.providers.length === 0 || holder.providers.includes(name)) return;
  throw forbidden(`the provider ${name}`, holder.providers);
}

/** @throws WeirError `forbidden_target` for a model that the call's key does not list. */
export function allowModel(call: Call, model: string): void {
  if (call.holder !== null && call.holder.models.length > 0) allowEach(call, [model]);
}

/** @throws WeirError `forbidden_target` for a saved route that the call's key does not list. */
export function allowRoute({ holder }: Call, route: string): void {
  if (holder === null || holder.routes.length === 0 || holder.routes.includes(route)) return;
  throw forbidden(`the route ${route}`, holder.routes);
}

/** What a call is, by its path and method. @throws WeirError `forbidden_target` that names what is allowed. */
export function checkOperation(call: Call): void {
  const { holder, operation, path } = call;
  if (holder === null) return;
  if (holder.operations.length === 0 && holder.models.length === 0) return;
  // What a call is stands in its path: one that a server may read in two ways says nothing.
  if (/\/\/|(^|\/)(\.|%2e){1,2}(\/|$)/i.test(path)) {
    throw new WeirError(
      'forbidden_target',
      'This Weir key is restricted, and takes no path with empty or dot segments.',
    );
  }
  if (holder.operations.length > 0 && !holder.operations.includes(operation)) {
    throw forbidden(`the operation ${operation}`, holder.operations);
  }
}

/**
 * Whatever needs the body, for a key that restricts models: the body is held whole, up to `limit` bytes.
 * @returns the body to send. @throws WeirError `forbidden_target`.
 */
export async function checkModel(call: Call, body: RequestBody, limit: number): Promise<RequestBody> {
  const { holder, operation, method } = call;
  if (holder === null || holder.models.length === 0) return body;
  const inPath = modelsInPath(call);
  const reads = method === 'GET' || method === 'HEAD';
  if (operation === 'file' || (reads && listed.has(operation))) {
    allowEach(call, inPath);
    return body;
  }
  if (hidden.has(operation)) throw hiddenModels(call);
  if (body === null) {
    allowSome(call, [...inPath, ...modelsInQuery(call)]);
    return body;
  }
  const held = await holdWhole(body, limit);
  if (held.whole === null) {
    throw new WeirError(
      'forbidden_target',
      `This Weir key allows some models only, and the model of a body over ${limit} bytes (WEIR_REPLAY_LIMIT) cannot be known.`,
    );
  }
  const { 'content-type': contentType = '', 'content-encoding': encoding = '' } = call.incoming.headers;
  const inBody = modelsInBody(held.whole, contentType, encoding);
  // A path that names the model decides, also where the body is one that Weir does not read.
  allowSome(call, [...inPath, ...(inBody ?? [])]);
  return held.body;
}

/**
 * The same for a call whose model a target says: what it may name beside, for a key that restricts models.
 * @throws WeirError `forbidden_target`.
 */
export function checkBeside(call: Call, body: RequestBody): void {
  const { holder, operation, method } = call;
  if (holder === null || holder.models.length === 0) return;
  const reads = method === 'GET' || method === 'HEAD';
  if (hidden.has(operation) && !(reads && listed.has(operation))) throw hiddenModels(call);
  allowEach(call, modelsInQuery(call));
  if (!Buffer.isBuffer(body)) return;
  const { 'content-type': contentType = '', 'content-encoding': encoding = '' } = call.incoming.headers;
  const inBody = modelsInBody(body, contentType, encoding, 'model');
  // One that Weir does not read is not changed either: it goes where its path names the model.
  if (inBody === null && modelsInPath(call).length === 0) return allowSome(call, []);
  allowEach(call, inBody ?? []);
}

/** The same for an upgrade, whose frames are not read. @throws WeirError `forbidden_target`. */
export function checkUpgrade(call: Call): void {
  const { holder } = call;
  if (holder === null || holder.models.length === 0) return;
  // Elsewhere than here the first frame says the model, whatever the query does.
  const inQuery = /\/realtime\/?$/.test(call.path) ? modelsInQuery(call) : [];
  allowSome(call, [...modelsInPath(call), ...inQuery]);
}

function modelsInPath({ provider, path }: Call): string[] {
  const model = provider.dialect.modelInPath(path.replace(/\/$/, ''));
  return model === null ? [] : [model];
}

function modelsInQuery({ query }: Call): string[] {
  const parameters = new URLSearchParams(query);
  return [...parameters.getAll('model'), ...parameters.getAll('deployment')];
}

/** None is as bad as one too many. */
function allowSome(call: Call, models: readonly string[]): void {
  if (models.length === 0) {
    throw forbidden('a call whose model Weir cannot know before it is sent', call.holder?.models ?? [], 'models');
  }
  allowEach(call, models);
}

function allowEach({ holder }: Call, models: readonly string[]): void {
  if (holder === null) return;
  for (const model of models) {
    // Google writes `models/gemini-2.5-pro` in bodies.
    const name = model.replace(/^models\//, '');
    if (!holder.models.some((pattern) => matchesPattern(pattern, name))) {
      throw forbidden(`the model ${JSON.stringify(name.slice(0, 128))}`, holder.models);
    }
  }
}

function hiddenModels({ operation, holder }: Call): WeirError {
  return forbidden(`a call of the kind ${operation}, which may run any model,`, holder?.models ?? [], 'models');
}

function forbidden(what: string, allowed: readonly string[], noun = ''): WeirError {
  const list = `${allowed.slice(0, 20).join(', ')}${allowed.length > 20 ? ', …' : ''}`;
  return new WeirError(
    'forbidden_target',
    `This Weir key does not allow ${what}; it allows ${noun === '' ? '' : `the ${noun} `}${list}.`,
  );
}
