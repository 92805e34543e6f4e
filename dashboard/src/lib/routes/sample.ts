/** The sample request in a page's address, so that what is looked at can be sent to somebody. Pure. */
import type { SampleValues } from './answer.ts';

export const emptySample = (): SampleValues => ({
  ...{
    operation: 'chat',
    model: '',
    user: '',
    session: '',
    project: '',
    key_id: '',
    properties: '',
    bytes: '',
    at: '',
  },
});
const names = Object.keys(emptySample()) as (keyof SampleValues)[];

export function sampleFromUrl(parameters: URLSearchParams): SampleValues {
  const sample = emptySample();
  for (const name of names) sample[name] = (parameters.get(name) ?? sample[name]).slice(0, 512);
  return sample;
}

export function sampleToUrl(sample: SampleValues, parameters: URLSearchParams): URLSearchParams {
  const [kept, none] = [new URLSearchParams(parameters), emptySample()];
  // An action that was taken is no part of what is looked at.
  for (const name of [...kept.keys()]) if (name.startsWith('/')) kept.delete(name);
  for (const name of names) {
    if (sample[name] === none[name]) kept.delete(name);
    else kept.set(name, sample[name]);
  }
  return kept;
}
