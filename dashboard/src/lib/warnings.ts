/** Warnings of rows in words. One that has none here is shown as it is. */
const plain: Record<string, string> = {
  body_not_replayable: 'The body was too long to be sent twice: it was sent once, without retry or fallback.',
  unknown_attempt_cost: 'An attempt that gave no answer may have been billed; what it cost is unknown.',
  stream_usage_added: 'Weir asked the stream for its usage, and took that out again for the client.',
  recovered: 'Weir died meanwhile: this row was made at its next start.',
  undecodable_body: 'The body could not be decompressed, and was not read.',
  unknown_content_encoding: 'The body is compressed in a way that Weir does not read.',
  usage_unknown: 'The provider told no usage; the client was given zeros.',
  too_many_properties: 'More than 64 properties came; the others were left out.',
  reply_read_in_part: 'The answer was too long to be read whole.',
  malformed_event: 'A part of the stream could not be read.',
  malformed_reply: 'The answer could not be read.',
  malformed_arguments: 'The arguments of a call were no JSON.',
  damaged_stream: 'The stream was damaged.',
};
const about: Record<string, (what: string) => string> = {
  circuit_open: (what) => `${what} was left alone: most of its latest calls had failed.`,
  limit_exceeded: (what) => `The limit ${what} is passed; it only warns.`,
  ignored_header: (what) => `The header ${what} is not carried out.`,
  malformed_header: (what) => `The header ${what} could not be read.`,
  cut_header: (what) => `The header ${what} was too long, and cut.`,
  dropped: (what) => `The provider’s API has no ${what}: it was left out.`,
  clamped: (what) => `${what} was brought into the range that the provider takes.`,
  moved_to_start: (what) => `${what} moved to the start, where the provider’s API has it.`,
};

export function warningWords(warning: string): string {
  const at = warning.indexOf(':');
  const said = at === -1 ? undefined : about[warning.slice(0, at)];
  return said?.(warning.slice(at + 1)) ?? plain[warning] ?? warning.replaceAll('_', ' ');
}
