import { keptSecret } from '../platform/kept-secret.ts';

/** The key that signs access tokens: AUTH_SECRET, or one that is kept in PostgreSQL. */
export const signingSecret = keptSecret('auth-secret', ({ AUTH_SECRET }) => AUTH_SECRET);
