import type { Db } from '@weir/schema/db';

declare global {
  namespace App {
    interface Locals {
      db: Db;
      /** Id of the session; null before sign-in. Where no password is asked for, all have the same. */
      session: string | null;
      /** The viewer's time zone, as the browser told it; UTC until it has. */
      zone: string;
      theme: 'light' | 'dark' | 'system';
    }
    interface Error {
      message: string;
      code?: string;
    }
  }
}

export {};
