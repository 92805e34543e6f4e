/** What an empty page begins with. */
export const exampleRoute = {
  name: 'checkout',
  split: {
    name: 'checkout',
    by: 'user',
    to: [
      { target: 'openai/gpt-5', weight: 80 },
      { target: 'openai/gpt-5-mini', weight: 20 },
    ],
  },
  fallback: { to: ['azure:my-resource/gpt-5'] },
  retry: { retries: 1 },
};
