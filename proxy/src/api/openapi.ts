/** The description of /weir/*, made from the list and the schemas by which they are checked and parsed. */
import { z } from 'zod';
import { version } from '../version.ts';
import type { Endpoint } from './endpoint.ts';

type Json = Record<string, unknown>;

/** OpenAPI 3.1 (spec.openapis.org/oas/v3.1.1). */
export function openApi(endpoints: readonly Endpoint[]): Json {
  const paths: Record<string, Json> = {};
  for (const endpoint of endpoints) {
    const path = (paths[`/weir${endpoint.path}`] ??= {});
    path[endpoint.method.toLowerCase()] = operation(endpoint);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Weir', version, description: 'Weir’s own paths. Everything else is a provider’s, passed through.' },
    components: { securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'Weir-Key' } } },
    paths,
  };
}

function operation({ method, path, needs, summary, query, body, reply, replies }: Endpoint): Json {
  const fields = query === undefined ? {} : asObject(jsonSchema(query, 'input')['properties']);
  const parameters = [
    ...(path.includes('{id}') ? [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }] : []),
    ...Object.entries(fields).map(([name, schema]) => ({ name, in: 'query', required: false, schema })),
  ];
  const content = (schema: Json): Json => ({ content: { 'application/json': { schema } } });
  const refused = content(jsonSchema(errorBody, 'output'));
  return {
    summary: needs === 'nobody' || needs === 'caller' ? summary : `${summary} (${needs})`,
    ...(needs === 'nobody' ? {} : { security: [{ key: [] }] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(method === 'GET'
      ? {}
      : {
          requestBody: {
            required: body !== undefined,
            ...content(body === undefined ? {} : jsonSchema(body, 'input')),
          },
        }),
    responses: {
      '2XX': { description: replies, ...(reply === null ? {} : content(jsonSchema(reply, 'output'))) },
      ...(needs === 'nobody'
        ? {}
        : {
            '4XX': {
              description: 'Refused: what was sent, no valid key, a role that is not enough, no such thing.',
              ...refused,
            },
            503: { description: 'The store does not answer.', ...refused },
          }),
    },
  };
}

const errorBody = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    code: z.string(),
    /** What the message says, field by field. */
    fields: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  }),
});

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  return z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
}

function asObject(value: unknown): Json {
  return (value ?? {}) as Json;
}
