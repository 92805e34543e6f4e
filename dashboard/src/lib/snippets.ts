/** The lines that bring the first request. Two things change in an existing program: the base URL, and one header. */

export interface Snippet {
  id: string;
  name: string;
  language: string;
  install: string;
  /** Lines that differ from what the program has already, by their number from 0. */
  changed: number[];
  code: string;
}

type Draft = Omit<Snippet, 'changed'>;

/** A line that ends in `◂` is one of those that change. */
function mark(draft: Draft): Snippet {
  const lines = draft.code.trim().split('\n');
  return {
    ...draft,
    changed: lines.flatMap((line, index) => (line.endsWith('◂') ? [index] : [])),
    code: lines.map((line) => line.replace(/ ?◂$/, '')).join('\n'),
  };
}

const drafts = (proxy: string): Draft[] => [
  {
    id: 'openai-python',
    name: 'OpenAI',
    language: 'Python',
    install: 'pip install openai',
    code: `
from openai import OpenAI

client = OpenAI(
    base_url="${proxy}/openai/v1", ◂
    default_headers={"Weir-User": "alice"}, ◂
)
reply = client.chat.completions.create(
    model="gpt-5-mini",
    messages=[{"role": "user", "content": "Say hello."}],
)
print(reply.choices[0].message.content)`,
  },
  {
    id: 'openai-typescript',
    name: 'OpenAI',
    language: 'TypeScript',
    install: 'npm install openai',
    code: `
import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: '${proxy}/openai/v1', ◂
  defaultHeaders: { 'Weir-User': 'alice' }, ◂
});
const reply = await client.chat.completions.create({
  model: 'gpt-5-mini',
  messages: [{ role: 'user', content: 'Say hello.' }],
});
console.log(reply.choices[0].message.content);`,
  },
  {
    id: 'anthropic-python',
    name: 'Anthropic',
    language: 'Python',
    install: 'pip install anthropic',
    code: `
from anthropic import Anthropic

client = Anthropic(
    base_url="${proxy}/anthropic", ◂
    default_headers={"Weir-User": "alice"}, ◂
)
message = client.messages.create(
    model="claude-haiku-4-5",
    max_tokens=200,
    messages=[{"role": "user", "content": "Say hello."}],
)
print(message.content[0].text)`,
  },
  {
    id: 'anthropic-typescript',
    name: 'Anthropic',
    language: 'TypeScript',
    install: 'npm install @anthropic-ai/sdk',
    code: `
import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({
  baseURL: '${proxy}/anthropic', ◂
  defaultHeaders: { 'Weir-User': 'alice' }, ◂
});
const message = await client.messages.create({
  model: 'claude-haiku-4-5',
  max_tokens: 200,
  messages: [{ role: 'user', content: 'Say hello.' }],
});
console.log(message.content);`,
  },
  {
    id: 'google-python',
    name: 'Google',
    language: 'Python',
    install: 'pip install google-genai',
    code: `
from google import genai
from google.genai import types

client = genai.Client(http_options=types.HttpOptions(
    base_url="${proxy}/google", ◂
    headers={"Weir-User": "alice"}, ◂
))
reply = client.models.generate_content(model="gemini-2.5-flash", contents="Say hello.")
print(reply.text)`,
  },
  {
    id: 'google-typescript',
    name: 'Google',
    language: 'TypeScript',
    install: 'npm install @google/genai',
    code: `
import { GoogleGenAI } from '@google/genai';

const ai = new GoogleGenAI({
  apiKey: process.env.GEMINI_API_KEY,
  httpOptions: {
    baseUrl: '${proxy}/google', ◂
    headers: { 'Weir-User': 'alice' }, ◂
  },
});
const reply = await ai.models.generateContent({ model: 'gemini-2.5-flash', contents: 'Say hello.' });
console.log(reply.text);`,
  },
  {
    id: 'ai-sdk',
    name: 'AI SDK',
    language: 'TypeScript',
    install: 'npm install ai @ai-sdk/openai',
    code: `
import { createOpenAI } from '@ai-sdk/openai';
import { generateText } from 'ai';

const openai = createOpenAI({
  baseURL: '${proxy}/openai/v1', ◂
  headers: { 'Weir-User': 'alice' }, ◂
});
const { text } = await generateText({ model: openai('gpt-5-mini'), prompt: 'Say hello.' });
console.log(text);`,
  },
  {
    id: 'langchain-python',
    name: 'LangChain',
    language: 'Python',
    install: 'pip install langchain-openai',
    code: `
from langchain_openai import ChatOpenAI

model = ChatOpenAI(
    model="gpt-5-mini",
    base_url="${proxy}/openai/v1", ◂
    default_headers={"Weir-User": "alice"}, ◂
)
print(model.invoke("Say hello.").content)`,
  },
  {
    id: 'langchain-typescript',
    name: 'LangChain',
    language: 'TypeScript',
    install: 'npm install @langchain/openai',
    code: `
import { ChatOpenAI } from '@langchain/openai';

const model = new ChatOpenAI({
  model: 'gpt-5-mini',
  configuration: {
    baseURL: '${proxy}/openai/v1', ◂
    defaultHeaders: { 'Weir-User': 'alice' }, ◂
  },
});
console.log((await model.invoke('Say hello.')).content);`,
  },
  {
    id: 'curl',
    name: 'curl',
    language: 'shell',
    install: '',
    code: `
curl ${proxy}/openai/v1/chat/completions \\ ◂
  -H "Authorization: Bearer $OPENAI_API_KEY" \\
  -H "Content-Type: application/json" \\
  -H "Weir-User: alice" \\ ◂
  -d '{"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Say hello."}]}'`,
  },
];

export const snippets = (proxy: string): Snippet[] => drafts(proxy).map(mark);
const ids = drafts('').map((draft) => draft.id);

/** The snippet that the URL names, or the first. */
export const client = (asked: string | null): string =>
  asked !== null && ids.includes(asked) ? asked : (ids[0] ?? '');
