import { publicProxyUrl } from '$lib/server/env.ts';
import { proxyHealth } from '$lib/server/health.ts';
import { asksPassword, sessions } from '$lib/server/session/desk.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = async ({ locals, depends }) => {
  depends('weir:shell');
  const { zone, session } = locals;
  // Before sign-in nothing is told, not even how Weir is.
  if (session === null) return { zone, shell: null };
  return {
    zone,
    proxy: publicProxyUrl,
    shell: {
      health: await proxyHealth(),
      /** Goes with every form. */
      token: sessions.formToken(session),
      canSignOut: asksPassword,
    },
  };
};
