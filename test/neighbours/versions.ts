// Whatever of other people's is installed by these tests, in exact versions. What a tool's own new project asks for is its own.
export const NEST_CLI = '@nestjs/cli@11.0.24'
export const PNPM = 'pnpm@12.21.0'

const VERSIONS = {
  '@types/express': '5.0.6',
  '@types/node': '24.19.4',
  '@types/react': '19.3.1',
  '@types/react-dom': '19.3.0',
  '@vitejs/plugin-react': '6.3.0',
  express: '5.3.0',
  jest: '30.5.2',
  react: '19.3.1',
  'react-dom': '19.3.1',
  supertest: '7.3.2',
  typescript: '5.9.3',
  'typescript-5.5': 'npm:typescript@5.5.4',
  'typescript-6': 'npm:typescript@6.0.3',
  'typescript-7': 'npm:typescript@7.0.2',
  vite: '8.4.0',
  vitest: '4.1.12',
}

/** The types of Node.js that TypeScript 5.5 understands. */
const OF_EXPRESS_4 = { express: '4.22.3', '@types/express': '4.17.25', '@types/node': '20.19.43' }

export type Neighbour = keyof typeof VERSIONS

/** As a package.json has them. */
export function exactly(...names: readonly Neighbour[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, VERSIONS[name]]))
}

/** Either Express, and its types. */
export function expressOf(major: '4' | '5'): Record<string, string> {
  return major === '4' ? OF_EXPRESS_4 : exactly('express', '@types/express', '@types/node')
}
