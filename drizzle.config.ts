import { defineConfig } from 'drizzle-kit';

/** `npm run migrations` compares schema.ts with the last migration and writes the next one. */
export default defineConfig({
  dialect: 'sqlite',
  schema: './src/persistence/schema.ts',
  out: './drizzle',
});
