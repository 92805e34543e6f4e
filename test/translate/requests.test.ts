/** What a request says in one dialect is said in the other by its own words. */
import { describe, expect, test } from 'vitest';
import { hi, send, type Json } from './support.ts';

const tool = {
  name: 'weather',
  description: 'The weather.',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
};
const asked: Json = {
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'developer', content: 'And kind.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Look:' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      ],
    },
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
        { id: 'c2', type: 'function', function: { name: 'weather', arguments: '' } },
      ],
    },
    { role: 'tool', tool_call_id: 'c1', content: '{"sky":"clear"}' },
    { role: 'tool', tool_call_id: 'c2', content: 'unknown' },
    { role: 'user', content: 'So?' },
  ],
  tools: [{ type: 'function', function: tool }],
  tool_choice: 'required',
  max_tokens: 99,
  temperature: 0.5,
  top_p: 0.9,
  stop: 'END',
  user: 'alice',
};

describe('a conversation with tools', () => {
  test('chat as messages: results of one turn stand together, the system apart', () => {
    expect(send('chat', 'messages', { ...asked, parallel_tool_calls: false })).toEqual({
      warnings: [],
      body: {
        model: 'claude-sonnet-4-5',
        max_tokens: 99,
        temperature: 0.5,
        top_p: 0.9,
        stop_sequences: ['END'],
        metadata: { user_id: 'alice' },
        system: [
          { type: 'text', text: 'Be brief.' },
          { type: 'text', text: 'And kind.' },
        ],
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Look:' },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
            ],
          },
          {
            role: 'assistant',
            content: [
              { type: 'tool_use', id: 'c1', name: 'weather', input: { city: 'Oslo' } },
              { type: 'tool_use', id: 'c2', name: 'weather', input: {} },
            ],
          },
          {
            role: 'user',
            content: [
              { type: 'tool_result', tool_use_id: 'c1', content: [{ type: 'text', text: '{"sky":"clear"}' }] },
              { type: 'tool_result', tool_use_id: 'c2', content: [{ type: 'text', text: 'unknown' }] },
              { type: 'text', text: 'So?' },
            ],
          },
        ],
        tools: [{ name: 'weather', description: 'The weather.', input_schema: tool.parameters }],
        tool_choice: { type: 'any', disable_parallel_tool_use: true },
      },
    });
  });

  test('chat as generateContent: results have the names of their tools, JSON is an object', () => {
    expect(send('chat', 'generate_content', asked)).toEqual({
      warnings: ['dropped:user'],
      body: {
        systemInstruction: { parts: [{ text: 'Be brief.' }, { text: 'And kind.' }] },
        contents: [
          { role: 'user', parts: [{ text: 'Look:' }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }] },
          {
            role: 'model',
            parts: [
              { functionCall: { id: 'c1', name: 'weather', args: { city: 'Oslo' } } },
              { functionCall: { id: 'c2', name: 'weather', args: {} } },
            ],
          },
          {
            role: 'user',
            parts: [
              { functionResponse: { id: 'c1', name: 'weather', response: { sky: 'clear' } } },
              { functionResponse: { id: 'c2', name: 'weather', response: { output: 'unknown' } } },
              { text: 'So?' },
            ],
          },
        ],
        generationConfig: { maxOutputTokens: 99, temperature: 0.5, topP: 0.9, stopSequences: ['END'] },
        tools: [
          {
            functionDeclarations: [
              { name: 'weather', description: 'The weather.', parametersJsonSchema: tool.parameters },
            ],
          },
        ],
        toolConfig: { functionCallingConfig: { mode: 'ANY' } },
      },
    });
  });

  test('messages as chat, and generateContent as chat, come back to the same messages', () => {
    const expected = [
      {
        role: 'system',
        content: [
          { type: 'text', text: 'Be brief.' },
          { type: 'text', text: 'And kind.' },
        ],
      },
      (asked['messages'] as Json[])[2],
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
          { id: 'c2', type: 'function', function: { name: 'weather', arguments: '{}' } },
        ],
      },
      ...(asked['messages'] as Json[]).slice(4),
    ];
    for (const to of ['messages', 'generate_content'] as const)
      expect(send(to, 'chat', send('chat', to, asked).body).body['messages']).toEqual(expected);
  });

  test('an error of a tool is one for Anthropic and Gemini; for chat it is its text, and a warning', () => {
    const body = {
      max_tokens: 9,
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f', input: {} }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'broke', is_error: true }] },
      ],
    };
    const gemini = send('messages', 'generate_content', body);
    expect(gemini.body).toMatchObject({
      contents: [{}, {}, { parts: [{ functionResponse: { name: 'f', response: { error: 'broke' } } }] }],
    });
    expect(send('generate_content', 'messages', gemini.body).body).toMatchObject({
      messages: [{}, {}, { content: [{ is_error: true }] }],
    });
    const chat = send('messages', 'chat', body);
    expect(chat.body).toMatchObject({ messages: [{}, {}, { role: 'tool', tool_call_id: 't', content: 'broke' }] });
    expect(chat.warnings).toEqual(['dropped:is_error']);
  });

  test('an id that Anthropic would refuse is one that it takes, and comes back as it was', () => {
    const id = 'functions.weather:0';
    const messages = [
      { role: 'user', content: 'Hi' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id, type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: id, content: 'r' },
    ];
    const there = send('chat', 'messages', { messages }).body;
    const [
      ,
      {
        content: [call],
      },
      {
        content: [result],
      },
    ] = there['messages'] as [Json, { content: [Json] }, { content: [Json] }];
    expect(call['id']).toMatch(/^[a-zA-Z0-9_-]+$/);
    expect(result['tool_use_id']).toBe(call['id']);
    expect(send('messages', 'chat', there).body['messages']).toEqual(messages);
  });

  test('a call of another model’s has what Gemini 3 takes in place of a seal; older models are told nothing', () => {
    const partsFor = (model: string): unknown =>
      (send('chat', 'generate_content', asked, model).body['contents'] as { parts: Json[] }[])[1]?.parts.map(
        (part) => part['thoughtSignature'],
      );
    expect(partsFor('gemini-3-pro-preview')).toEqual(['skip_thought_signature_validator', undefined]);
    expect(partsFor('gemini-2.5-flash')).toEqual([undefined, undefined]);
  });

  test('calls that Gemini does not number are matched with their results by name, in order', () => {
    const body = {
      contents: [
        { role: 'user', parts: [{ text: 'Hi' }] },
        {
          role: 'model',
          parts: [
            { functionCall: { name: 'f', args: { a: 1 } } },
            { functionCall: { name: 'g' } },
            { functionCall: { name: 'f', args: { a: 2 } } },
          ],
        },
        {
          role: 'user',
          parts: [
            { functionResponse: { name: 'f', response: { output: 'one' } } },
            { functionResponse: { name: 'f', response: { output: 'two' } } },
            { functionResponse: { name: 'g', response: { output: 'three' } } },
          ],
        },
      ],
    };
    const messages = send('generate_content', 'chat', body).body['messages'] as {
      tool_calls: { id: string }[];
      tool_call_id: string;
    }[];
    const ids = messages[1]?.tool_calls.map((call) => call.id) ?? [];
    expect(new Set(ids).size).toBe(3);
    expect(messages.slice(2).map((message) => message.tool_call_id)).toEqual([ids[0], ids[2], ids[1]]);
  });

  test.each([
    ['none', { type: 'none' }, { mode: 'NONE' }],
    ['auto', { type: 'auto' }, { mode: 'AUTO' }],
    ['required', { type: 'any' }, { mode: 'ANY' }],
    [
      { type: 'function', function: { name: 'weather' } },
      { type: 'tool', name: 'weather' },
      { mode: 'ANY', allowedFunctionNames: ['weather'] },
    ],
  ])('the choice %j', (choice, anthropic, gemini) => {
    const body = { ...hi.chat, tools: asked['tools'], tool_choice: choice };
    const there = send('chat', 'messages', body).body;
    expect(there['tool_choice']).toEqual(anthropic);
    expect(send('messages', 'chat', there).body['tool_choice']).toEqual(choice);
    const other = send('chat', 'generate_content', body).body;
    expect(other['toolConfig']).toEqual({ functionCallingConfig: gemini });
    expect(send('generate_content', 'chat', other).body['tool_choice']).toEqual(choice);
  });
});

describe('answers by a schema', () => {
  const schema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
  test('response_format is output_config for Anthropic, closed, and responseJsonSchema for Gemini', () => {
    const body = {
      ...hi.chat,
      response_format: { type: 'json_schema', json_schema: { name: 'person', schema, strict: true } },
    };
    expect(send('chat', 'messages', body).body['output_config']).toEqual({
      format: { type: 'json_schema', schema: { ...schema, additionalProperties: false } },
    });
    expect(send('chat', 'generate_content', body).body['generationConfig']).toEqual({
      responseMimeType: 'application/json',
      responseJsonSchema: schema,
    });
  });
  test('Gemini’s own schema becomes JSON Schema: small types, null as a type, properties of any name', () => {
    const own = {
      type: 'OBJECT',
      propertyOrdering: ['type'],
      properties: {
        type: { type: 'STRING', nullable: true, minLength: '2' },
        list: { type: 'ARRAY', items: { type: 'INTEGER' } },
      },
    };
    const body = {
      ...hi.generate_content,
      generationConfig: { responseMimeType: 'application/json', responseSchema: own },
    };
    expect(send('generate_content', 'chat', body).body['response_format']).toEqual({
      type: 'json_schema',
      json_schema: {
        name: 'answer',
        schema: {
          type: 'object',
          properties: {
            type: { type: ['string', 'null'], minLength: 2 },
            list: { type: 'array', items: { type: 'integer' } },
          },
        },
      },
    });
  });
  test('Anthropic’s schema, in its new and its old place, is chat’s', () => {
    for (const body of [
      { output_config: { format: { type: 'json_schema', schema } } },
      { output_format: { type: 'json_schema', schema } },
    ])
      expect(send('messages', 'chat', { ...hi.messages, ...body }).body['response_format']).toEqual({
        type: 'json_schema',
        json_schema: { name: 'answer', schema, strict: true },
      });
  });
  test('any JSON is Gemini’s JSON, both ways', () => {
    const body = { ...hi.chat, response_format: { type: 'json_object' } };
    const there = send('chat', 'generate_content', body).body;
    expect(there['generationConfig']).toEqual({ responseMimeType: 'application/json' });
    expect(send('generate_content', 'chat', there).body['response_format']).toEqual({ type: 'json_object' });
  });
});

describe('reasoning', () => {
  const effort = (word: string): Json => ({ ...hi.chat, reasoning_effort: word });
  test('an effort is a budget for older models, within max_tokens', () => {
    expect(send('chat', 'messages', effort('medium')).body).toMatchObject({
      thinking: { type: 'enabled', budget_tokens: 8192 },
      max_tokens: 16_384,
    });
    expect(send('chat', 'messages', { ...effort('high'), max_tokens: 4000 }).body).toMatchObject({
      thinking: { budget_tokens: 3000 },
      max_tokens: 4000,
    });
    expect(send('chat', 'generate_content', effort('low')).body['generationConfig']).toEqual({
      thinkingConfig: { includeThoughts: true, thinkingBudget: 2048 },
    });
  });
  test('an effort is a word for later ones', () => {
    const later = send('chat', 'messages', effort('medium'), 'claude-opus-4-6').body;
    expect(later).toMatchObject({ thinking: { type: 'adaptive' }, output_config: { effort: 'medium' } });
    expect(send('messages', 'chat', later).body['reasoning_effort']).toBe('medium');
    expect(send('chat', 'generate_content', effort('high'), 'gemini-3-pro-preview').body['generationConfig']).toEqual({
      thinkingConfig: { includeThoughts: true, thinkingLevel: 'high' },
    });
  });
  test('a budget is the word whose tokens are enough', () => {
    const thinking = (budget: number): Json => ({
      ...hi.messages,
      max_tokens: 64_000,
      thinking: { type: 'enabled', budget_tokens: budget },
    });
    expect(
      [1024, 2000, 5000, 50_000].map((budget) => send('messages', 'chat', thinking(budget)).body['reasoning_effort']),
    ).toEqual(['minimal', 'low', 'medium', 'high']);
    expect(send('messages', 'generate_content', thinking(5000)).body['generationConfig']).toMatchObject({
      thinkingConfig: { includeThoughts: true, thinkingBudget: 5000 },
    });
  });
  test('none is none everywhere', () => {
    expect(send('chat', 'messages', effort('none')).body['thinking']).toEqual({ type: 'disabled' });
    expect(send('chat', 'generate_content', effort('none')).body['generationConfig']).toEqual({
      thinkingConfig: { thinkingBudget: 0 },
    });
    expect(send('messages', 'chat', { ...hi.messages, thinking: { type: 'disabled' } }).body['reasoning_effort']).toBe(
      'none',
    );
    expect(
      send('generate_content', 'chat', {
        ...hi.generate_content,
        generationConfig: { thinkingConfig: { thinkingBudget: 0 } },
      }).body['reasoning_effort'],
    ).toBe('none');
  });
  test('too little room for thinking is told', () => {
    const sent = send('chat', 'messages', { ...effort('high'), max_tokens: 500 });
    expect(sent.body).not.toHaveProperty('thinking');
    expect(sent.warnings).toEqual(['dropped:reasoning_effort']);
  });
});

describe('limits and sampling', () => {
  test('max_tokens is written for Anthropic where nobody says it: less for models that allow less', () => {
    expect(send('chat', 'messages', hi.chat).body['max_tokens']).toBe(8192);
    expect(send('chat', 'messages', hi.chat, 'claude-3-haiku-20240307').body['max_tokens']).toBe(4096);
  });
  test('chat has two names for it: the newer one for the models that know no other', () => {
    for (const model of ['gpt-5', 'o3-mini', 'openai/gpt-4o'])
      expect(send('messages', 'chat', hi.messages, model).body['max_completion_tokens']).toBe(64);
    for (const model of ['mistral-large', 'llama-3', 'deepseek-chat'])
      expect(send('messages', 'chat', hi.messages, model).body['max_tokens']).toBe(64);
  });
  test('what Anthropic has not is a warning, as is a temperature beyond its own', () => {
    const sent = send('chat', 'messages', {
      ...hi.chat,
      seed: 1,
      frequency_penalty: 1,
      presence_penalty: 1,
      temperature: 1.5,
      top_k: 3,
      service_tier: 'flex',
    });
    expect(sent.warnings).toEqual([
      'dropped:seed',
      'dropped:frequency_penalty',
      'dropped:presence_penalty',
      'clamped:temperature',
      'dropped:service_tier',
    ]);
    expect(sent.body).toMatchObject({ temperature: 1, top_k: 3 });
  });
  test('Gemini has them all', () => {
    const given = {
      ...hi.chat,
      seed: 1,
      frequency_penalty: 0.5,
      presence_penalty: 0.25,
      top_k: 3,
      n: 2,
      service_tier: 'flex',
    };
    const sent = send('chat', 'generate_content', given);
    expect(sent).toEqual({
      warnings: [],
      body: {
        ...hi.generate_content,
        serviceTier: 'flex',
        generationConfig: { seed: 1, frequencyPenalty: 0.5, presencePenalty: 0.25, topK: 3, candidateCount: 2 },
      },
    });
    const back = send('generate_content', 'chat', sent.body);
    expect(back.warnings).toEqual(['dropped:generationConfig.topK']);
    expect(back.body).toMatchObject({ seed: 1, n: 2, service_tier: 'flex' });
  });
  test('tiers: the ordinary one is standard_only and default', () => {
    const there = send('chat', 'messages', { ...hi.chat, service_tier: 'default' }).body;
    expect(there['service_tier']).toBe('standard_only');
    expect(send('messages', 'chat', there).body['service_tier']).toBe('default');
  });
  test('what no dialect knows is a warning by its name, and null is nothing', () => {
    const sent = send('chat', 'messages', {
      ...hi.chat,
      transforms: ['x'],
      seed: null,
      logit_bias: null,
      prompt_cache_key: 'k',
    });
    expect(sent.warnings).toEqual(['dropped:transforms', 'dropped:prompt_cache_key']);
  });
  test('a stream of chat is asked for its usage, whoever the client is', () => {
    expect(send('messages', 'chat', hi.messages, 'gpt-5', true).body).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(send('chat', 'messages', hi.chat, 'claude-sonnet-4-5', true).body['stream']).toBe(true);
    expect(send('chat', 'generate_content', hi.chat, 'gemini-2.5-flash', true).body).not.toHaveProperty('stream');
  });
  test('between equal dialects the model alone changes', () => {
    const odd = { ...hi.chat, model: 'openai/x', modalities: ['audio'], anything: { at: 'all' } };
    expect(send('chat', 'chat', odd, 'x')).toEqual({ warnings: [], body: { ...odd, model: 'x' } });
    expect(send('generate_content', 'generate_content', hi.generate_content).body).toEqual(hi.generate_content);
  });
});

describe('files', () => {
  const pdf = { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } };
  const one = (part: Json): Json => ({ messages: [{ role: 'user', content: [part] }] });
  test('a PDF is a document and inline data, and comes back with its name', () => {
    const there = send('chat', 'messages', one(pdf)).body;
    expect(there).toMatchObject({
      messages: [
        {
          content: [
            {
              type: 'document',
              title: 'a.pdf',
              source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' },
            },
          ],
        },
      ],
    });
    expect(send('messages', 'chat', there).body['messages']).toEqual(one(pdf)['messages']);
    expect(send('chat', 'generate_content', one(pdf))).toMatchObject({
      warnings: ['dropped:filename'],
      body: { contents: [{ parts: [{ inlineData: { mimeType: 'application/pdf', data: 'JVBERi0=' } }] }] },
    });
  });
  test('an image by its address is one everywhere', () => {
    const image = one({ type: 'image_url', image_url: { url: 'https://a.test/b.png' } });
    expect(send('chat', 'messages', image).body).toMatchObject({
      messages: [{ content: [{ type: 'image', source: { type: 'url', url: 'https://a.test/b.png' } }] }],
    });
    const there = send('chat', 'generate_content', image).body;
    expect(there).toMatchObject({
      contents: [{ parts: [{ fileData: { mimeType: 'image/png', fileUri: 'https://a.test/b.png' } }] }],
    });
    expect(send('generate_content', 'chat', there).body['messages']).toEqual(image['messages']);
  });
  test('sound is Gemini’s too, and comes back as it was', () => {
    const sound = one({ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } });
    const there = send('chat', 'generate_content', sound).body;
    expect(there).toMatchObject({ contents: [{ parts: [{ inlineData: { mimeType: 'audio/wav', data: 'AAAA' } }] }] });
    expect(send('generate_content', 'chat', there).body['messages']).toEqual(sound['messages']);
  });
  test('a document of plain text is text where only PDFs are files', () => {
    const text = {
      max_tokens: 9,
      messages: [
        {
          role: 'user',
          content: [{ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Grüße' } }],
        },
      ],
    };
    expect(send('messages', 'chat', text).body).toMatchObject({
      messages: [{ content: [{ type: 'text', text: 'Grüße' }] }],
    });
  });
  test('marks of Anthropic’s cache go to Anthropic, and are a warning elsewhere', () => {
    const marked = {
      messages: [{ role: 'user', content: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }] }],
    };
    expect(send('chat', 'messages', marked)).toMatchObject({
      warnings: [],
      body: { messages: [{ content: [{ cache_control: { type: 'ephemeral' } }] }] },
    });
    expect(send('chat', 'generate_content', marked).warnings).toEqual(['dropped:cache_control']);
  });
});
