/** What was said in a call of the demo's history, as it would have been recorded. */
import type { BodyRow } from '@weir/schema/records';
import type { DemoCall } from './call-rows.ts';
import { answers, eventText, questionBody, questions, refusalOf, replyOf } from './replies.ts';
import type { DemoModel } from './world.ts';

export function bodyOf({ request }: DemoCall): BodyRow {
  const choice = Number(request.request_hash) % questions.length;
  const operation = request.operation as DemoModel['operation'];
  const { streamed } = request;
  const answered = request.outcome === 'ok';
  const reply = replyOf(
    operation,
    {
      model: request.response_model,
      words: (answers[choice] ?? '').split(/(?<= )/),
      input: Number(request.input_tokens ?? 0),
      output: Number(request.output_tokens ?? 0),
    },
    Date.parse(`${request.started_at.replace(' ', 'T')}Z`),
  );
  const said = streamed ? reply.events.map(eventText).join('') : JSON.stringify(reply.plain);
  const refused = request.outcome === 'rate_limited' ? JSON.stringify(refusalOf(operation)) : '';
  return {
    request_id: request.request_id,
    started_at: request.started_at,
    project: request.project,
    request: JSON.stringify(questionBody(operation, request.request_model, questions[choice] ?? '', streamed)),
    response: answered ? said : refused,
    request_headers: { 'content-type': 'application/json', 'user-agent': 'shop/4.2' },
    response_headers: { 'content-type': answered && streamed ? 'text/event-stream' : 'application/json' },
    request_truncated: false,
    response_truncated: false,
  };
}
