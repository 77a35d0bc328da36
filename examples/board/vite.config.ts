import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** `vite build examples/board`; the example's server serves what it writes. */
export default defineConfig({
  root: here('.'),
  plugins: [react()],
  // The package's own sources, so that it need not be built before; in a project of yours it is an installed package.
  resolve: {
    alias: {
      'rivulet-client/urql': here('../../client/urql/index.ts'),
      'rivulet-client/apollo': here('../../client/apollo/index.ts'),
      'rivulet-client': here('../../client/core/index.ts'),
    },
  },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    rolldownOptions: { input: [here('index.html'), here('apollo.html')] },
  },
});
