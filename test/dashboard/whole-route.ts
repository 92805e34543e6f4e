import { routeSettings } from '@weir/schema/settings/route';

/** A route with parts for which the form has no field. */
export const whole = routeSettings.parse({
  name: 'whole',
  description: 'Everything',
  split: {
    ...{ name: 'whole', by: 'property:team', only: { operations: ['chat'] } },
    to: [
      {
        target: 'openai/gpt-5',
        weight: 80,
        name: 'A',
        parameters: { temperature: 0.5 },
        prompt: 'p',
        prompt_version: '3',
      },
      { target: 'openai/gpt-5-mini', weight: 20, system: { put: 'before', text: 'Be short.' } },
    ],
  },
  fallback: { to: ['azure:my-resource/gpt-5'], on: [418, 'server-error', 'context-overflow'] },
  retry: { retries: 1, on: [429], min: 100, max: 200 },
  timeout: { headers: 1_000, drain: 5 },
  rules: [{ when: { users: ['a*'], hours: { from: '22:00', to: '06:00' } }, target: 'openai/o3' }],
  limits: [{ name: 'rpm', quota: 60, window: { seconds: 60 } }],
});
