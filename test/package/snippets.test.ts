// Every JavaScript snippet of the documentation, and every `@example` of the sources, is right by the types, so that no option in
// it is made up.
import { readdirSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exampleless, examples, surroundingsOf } from './examples.ts'
import { run } from './run.ts'
import { type Snippet, snippetsOf } from './snippets.ts'

const root = join(import.meta.dirname, '../..')
const tsc = join(root, 'node_modules/@typescript/native/bin/tsc')
/** Checked with other people's types, where those are installed: test/neighbours. */
const OF_NEIGHBOURS = ['docs/nestjs.md', 'docs/react-vite.md']
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((file) => `docs/${file}`),
].filter((file) => file.endsWith('.md') && !OF_NEIGHBOURS.includes(file))
const snippets = [...pages.flatMap(snippetsOf), ...examples].filter(({ language }) =>
  /^[jt]s$/.test(language),
)

/** What a snippet that shows only a part leaves out. */
const SURROUNDINGS = `import express from 'express'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { auth, handleUpgrade, isAuthError, relay, requireAuth, requireClaim, requireFresh, requireStepUp, type TenantOptions } from 'express-bff-session'
declare const app: express.Express
declare const chat: { handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void }
declare const staff: { find(sub: string): Promise<{ roles: string[] } | undefined> }
declare const tenants: { find(key: string): Promise<import('express-bff-session').TenantSetUp | undefined> }
declare const invitations: { accept(id: unknown, sub: string): Promise<void> }
declare module 'express-session' { interface SessionData { lastVisit: number; draft?: Record<string, string> } }
`

const BROWSER_MODULE = [join(root, 'src/browser/index.ts')]
const isOfPage = ({ file, code }: Snippet) =>
  file.startsWith('src/browser/') || /from '(?:express-bff-session\/browser|\/bff\.js)'/.test(code)

test.each<[where: string, isThere: (snippet: Snippet) => boolean, more: object]>([
  ['on a server', (snippet) => !isOfPage(snippet), {}],
  // What is not said of a parameter's type in JavaScript is nobody's mistake there.
  [
    'in a page',
    isOfPage,
    {
      lib: ['es2022', 'dom'],
      types: [],
      noImplicitAny: false,
      paths: { 'express-bff-session/browser': BROWSER_MODULE, '/bff.js': BROWSER_MODULE },
    },
  ],
])(
  'every snippet that runs %s type-checks',
  async (_where, isThere, more) => {
    const here = snippets.filter(isThere)
    // An undefined variable of the environment is the environment's mistake, found at start-up.
    expect(await mistakesIn(here, { exactOptionalPropertyTypes: false, ...more })).toEqual([])
    expect(here.length).toBeGreaterThanOrEqual(4)
  },
  60_000,
)

test('every function that an app may call has an example', () => {
  expect(exampleless()).toEqual([])
  expect(examples.length).toBeGreaterThan(50)
})

/** As the compiler says them, with the place in the documentation. */
async function mistakesIn(here: readonly Snippet[], compilerOptions: object): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'express-bff-session-snippets-'))
  try {
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['.'] }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
    const files = new Map(here.map((snippet) => [nameOf(snippet), snippet]))
    for (const [name, snippet] of files) await writeFile(join(folder, name), sourceOf(snippet))
    const said = await run(folder, process.execPath, tsc, '-p', '.', '--pretty', 'false').catch((error) => {
      if (!/error TS/.test(String(error))) throw error
      return String(error)
    })
    return said.split('\n').flatMap((line) => {
      const [, name = '', mistake = ''] = /^(.+?)\(\d+,\d+\): (error .+)$/.exec(line) ?? []
      const snippet = files.get(name)
      if (snippet) return [`${snippet.file}:${snippet.line} ${mistake}`]
      // The package's own files are for its own type check; what is of no file is of the compiler itself.
      return name === '' && /error TS/.test(line) ? [line] : []
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}

function nameOf({ file, line, code }: Snippet): string {
  // Another snippet imports it by that name.
  if (code.startsWith('// app.js\n')) return 'app.ts'
  return `${file.replace(/\W/g, '-')}-${line}.mts`
}

function sourceOf(snippet: Snippet): string {
  if (snippet.file.startsWith('src/')) return surroundingsOf(snippet)
  const isWhole =
    isOfPage(snippet) ||
    /from 'express-bff-session(?:\/testing|\/telemetry|\/express-openid-connect)?'/.test(snippet.code)
  return isWhole ? snippet.code : SURROUNDINGS + snippet.code
}
