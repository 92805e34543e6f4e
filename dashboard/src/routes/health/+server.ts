import { json } from '@sveltejs/kit';
import type { RequestHandler } from './$types';

/** That this process answers, for whoever watches it; nothing is asked, so nothing is told. */
export const GET: RequestHandler = () => json({ status: 'ok' });
