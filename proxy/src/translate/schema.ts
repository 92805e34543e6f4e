/** Schemas of tools and answers: JSON Schema, and Gemini's own subset of OpenAPI (ai.google.dev/api/caching#Schema). */
import type { JsonObject } from '../json/value.ts';
import { asList, asObject } from '../json/value.ts';

const IN_ORDER = new Set(['propertyOrdering', 'property_ordering', 'nullable']);
/** Members of Gemini's that hold numbers as text, because they are 64 bits wide. */
const COUNTS = new Set(['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties']);

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Gemini's schema as JSON Schema: types in small letters, `nullable` as a type. */
export function fromGeminiSchema(schema: JsonObject): JsonObject {
  const made: Record<string, unknown> = {};
  for (const [given, value] of Object.entries(schema)) {
    const name = camel(given);
    if (IN_ORDER.has(given)) continue;
    if (name === 'type') made['type'] = typeof value === 'string' ? value.toLowerCase() : value;
    else if (name === 'properties') {
      const properties = Object.entries(asObject(value) ?? {});
      made[name] = Object.fromEntries(properties.map(([key, inner]) => [key, below(inner)]));
    } else if (name === 'items' || name === 'additionalProperties') made[name] = below(value);
    else if (name === 'anyOf') made[name] = asList(value).map(below);
    else if (COUNTS.has(name)) made[name] = Number(value);
    else made[name] = value;
  }
  if (schema['nullable'] === true && typeof made['type'] === 'string') made['type'] = [made['type'], 'null'];
  return made;
}

function below(value: unknown): unknown {
  const schema = asObject(value);
  return schema === null ? value : fromGeminiSchema(schema);
}

/**
 * Objects that name their properties allow no others, unless they say so: Anthropic asks for it of the schema of an answer
 * (docs.anthropic.com/en/docs/build-with-claude/structured-outputs).
 */
export function closeObjects(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closeObjects);
  const schema = asObject(value);
  if (schema === null) return value;
  const made: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(schema)) made[name] = VALUES.has(name) ? inner : closeMember(name, inner);
  const isObject = schema['type'] === 'object' || asList(schema['type']).includes('object');
  if (isObject && schema['additionalProperties'] === undefined) made['additionalProperties'] = false;
  return made;
}

/** Members that hold values, in which nothing is a schema. */
const VALUES = new Set(['enum', 'const', 'default', 'examples', 'required', 'example']);
/** Members whose names are a client's, and whose values are schemas. */
const NAMED = new Set(['properties', '$defs', 'definitions', 'patternProperties']);

function closeMember(name: string, value: unknown): unknown {
  const object = asObject(value);
  if (!NAMED.has(name) || object === null) return closeObjects(value);
  return Object.fromEntries(Object.entries(object).map(([key, inner]) => [key, closeObjects(inner)]));
}
