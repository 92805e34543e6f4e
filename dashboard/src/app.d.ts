import type { Db } from '@weir/schema/db';

declare global {
  namespace App {
    interface Locals {
      db: Db;
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
