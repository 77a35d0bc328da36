import type { CodegenConfig } from '@graphql-codegen/cli';
import { rivuletSchema } from 'rivulet/codegen';

/** Everything in client/generated: `npm run codegen`. Neither a server nor a database has to run. */
const config: CodegenConfig = {
  schema: await rivuletSchema(),
  documents: ['examples/board/src/**/*.{ts,tsx}'],
  generates: {
    'client/generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        enumType: 'string-literal',
        useTypeImports: true,
        importExtension: '.js',
        strictScalars: true,
        defaultScalarType: 'unknown',
        scalars: {
          ID: 'string',
          DateTime: 'string',
          Date: 'string',
          Decimal: 'string',
          Double: 'number | string',
          JSON: 'unknown',
        },
      },
    },
    'client/generated/schema.graphql': { plugins: ['schema-ast'] },
    'client/generated/manifest.json': { plugins: ['rivulet/codegen'] },
  },
};

export default config;
