// The `graphql` tags of Relay are replaced by what its compiler made of them, as in any bundler.
import { defineConfig } from 'vite';
import relay from 'vite-plugin-relay';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [relay],
  build: { ssr: 'buy-a-ticket.ts' },
});
