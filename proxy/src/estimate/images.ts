/** Tokens of an image by the rules that each vendor publishes. */
import { imageSize } from 'image-size';
import type { ImageSeen } from './question.ts';
import type { Rule } from './rules.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** What an image is taken to be whose size cannot be seen: named by an address, or in a format that is not known. */
const unknownSize: Size = { width: 1024, height: 1024 };

/** An estimate of the tokens of one image. Never throws. */
export function imageTokens(image: ImageSeen, rule: Rule['images'], model: string): number {
  const size = sizeOf(image.start);
  if (rule === 'anthropic') return anthropicTokens(size);
  if (rule === 'google') return googleTokens(size);
  return openaiTokens(size, image.low, model);
}

function sizeOf(start: Buffer | null): Size {
  if (start === null) return unknownSize;
  try {
    const { width, height } = imageSize(start);
    return width > 0 && height > 0 ? { width, height } : unknownSize;
  } catch {
    return unknownSize;
  }
}

/** docs.anthropic.com/en/docs/build-with-claude/vision: at most 1568 pixels a side and about 1600 tokens, of 750 pixels each. */
function anthropicTokens({ width, height }: Size): number {
  const scale = Math.min(1, 1568 / Math.max(width, height));
  return Math.min(1600, Math.ceil((width * scale * height * scale) / 750));
}

/** ai.google.dev/gemini-api/docs/image-understanding#token-calculation: 258 a tile; small images are one tile. */
function googleTokens({ width, height }: Size): number {
  if (width <= 384 && height <= 384) return 258;
  const unit = Math.max(1, Math.floor(Math.min(width, height) / 1.5));
  return 258 * Math.ceil(width / unit) * Math.ceil(height / unit);
}

/**
 * platform.openai.com/docs/guides/images-vision#calculating-costs. Models that count patches of 32 pixels: the factor by which
 * a patch is billed.
 */
const patchFactors: readonly [model: RegExp, factor: number][] = [
  [/gpt-5(\.\d)?-nano|gpt-4\.1-nano/, 2.46],
  [/gpt-5(\.\d)?-mini|gpt-4\.1-mini/, 1.62],
  [/o4-mini/, 1.72],
];
/** Models that count tiles of 512 pixels: tokens of the image as such, and of each tile. */
const tileTokens: readonly [model: RegExp, base: number, tile: number][] = [
  [/gpt-4o-mini/, 2833, 5667],
  [/gpt-5/, 70, 140],
  [/(^|\/)o[13]/, 75, 150],
  [/computer-use/, 65, 129],
  [/./, 85, 170],
];
const mostPatches = 1536;

function openaiTokens(size: Size, low: boolean, model: string): number {
  const factor = patchFactors.find(([pattern]) => pattern.test(model))?.[1];
  if (factor !== undefined) {
    return Math.ceil(patchesOf(size) * factor);
  }
  const [, base, tile] = tileTokens.find(([pattern]) => pattern.test(model)) ?? [/./, 85, 170];
  if (low) return base;
  const within = Math.min(1, 2048 / Math.max(size.width, size.height));
  const short = Math.min(size.width, size.height) * within;
  const scale = within * Math.min(1, 768 / short);
  return base + tile * Math.ceil((size.width * scale) / 512) * Math.ceil((size.height * scale) / 512);
}

/** Patches of 32 pixels; an image that has too many is made smaller until it has a whole number of them a side. */
function patchesOf({ width, height }: Size): number {
  const patches = Math.ceil(width / 32) * Math.ceil(height / 32);
  if (patches <= mostPatches) return patches;
  const fit = Math.sqrt((32 * 32 * mostPatches) / (width * height));
  const [wide, high] = [(width * fit) / 32, (height * fit) / 32];
  const whole = fit * Math.min(Math.floor(wide) / wide, Math.floor(high) / high);
  return Math.ceil(Math.round(width * whole) / 32) * Math.ceil(Math.round(height * whole) / 32);
}
