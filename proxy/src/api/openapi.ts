/** The description of /weir/*, made from the schemas that parse it. */
import { z } from 'zod';
import { version } from '../version.ts';
import { healthBody } from './health.ts';
import { requestDetail } from './requests.ts';

export function openApi(): Record<string, unknown> {
  const json = (schema: z.ZodType, description: string): Record<string, unknown> => ({
    description,
    content: { 'application/json': { schema: z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }) } },
  });
  return {
    openapi: '3.1.0',
    info: { title: 'Weir', version, description: 'Weir’s own paths. Everything else is a provider’s, passed through.' },
    paths: {
      '/weir/health': {
        get: { summary: 'Is Weir well?', responses: { 200: json(healthBody, 'What waits or was lost.') } },
      },
      '/weir/metrics': {
        get: { summary: 'Prometheus metrics', responses: { 200: { description: 'Text exposition format.' } } },
      },
      '/weir/requests/{id}': {
        get: {
          summary: 'One call, as it was recorded',
          parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } }],
          responses: {
            200: json(requestDetail, 'Its rows.'),
            404: { description: 'No such request, or not in the store yet.' },
          },
        },
      },
    },
  };
}
