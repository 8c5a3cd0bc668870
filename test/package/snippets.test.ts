// Every JavaScript snippet of the documentation, and every `@example` of the sources, is right by the types, so that no option in
// it is made up.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { exampleless, examples, surroundingsOf } from './examples.ts'
import { type Snippet, snippetsOf } from './snippets.ts'

const root = join(import.meta.dirname, '../..')
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
import { auth, handleUpgrade, isAuthError, relay, requireAuth, requireClaim, requireFresh, requireStepUp } from 'express-bff-session'
declare const app: express.Express
declare const chat: { handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void }
declare const staff: { find(sub: string): Promise<{ roles: string[] } | undefined> }
declare const invitations: { accept(id: unknown, sub: string): Promise<void> }
declare module 'express-session' { interface SessionData { lastVisit: number; draft?: Record<string, string> } }
`

const BROWSER_MODULE = [join(root, 'src/browser/index.ts')]
const isOfPage = ({ file, code }: Snippet) =>
  file.startsWith('src/browser/') || /from '(?:express-bff-session\/browser|\/bff\.js)'/.test(code)

test.each<[where: string, isThere: (snippet: Snippet) => boolean, more: ts.CompilerOptions]>([
  ['on a server', (snippet) => !isOfPage(snippet), {}],
  // What is not said of a parameter's type in JavaScript is nobody's mistake there.
  [
    'in a page',
    isOfPage,
    {
      lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
      types: [],
      noImplicitAny: false,
      paths: { 'express-bff-session/browser': BROWSER_MODULE, '/bff.js': BROWSER_MODULE },
    },
  ],
])(
  'every snippet that runs %s type-checks',
  (_where, isThere, more) => {
    const here = snippets.filter(isThere)
    const files = new Map(here.map((snippet) => [pathOf(snippet), snippet]))
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
    // An undefined variable of the environment is the environment's mistake, found at start-up.
    const given = { ...options, exactOptionalPropertyTypes: false, ...more }
    const program = ts.createProgram([...files.keys()], given, hostOf(files, given))
    // The package's own files are for its own type check.
    const mistakes = [...files].flatMap(([file, snippet]) =>
      ts
        .getPreEmitDiagnostics(program, program.getSourceFile(file))
        .map(
          ({ messageText }) =>
            `${snippet.file}:${snippet.line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
        ),
    )
    expect(mistakes).toEqual([])
    expect(here.length).toBeGreaterThanOrEqual(4)
  },
  60_000,
)

test('every function that an app may call has an example', () => {
  expect(exampleless()).toEqual([])
  expect(examples.length).toBeGreaterThan(50)
})

/** Nothing is there: it stands inside the project, so that imports are found as they are by its own sources. */
function pathOf({ file, line, code }: Snippet): string {
  // Another snippet imports it by that name.
  if (code.startsWith('// app.js\n')) return join(root, 'test/app.ts')
  return join(root, 'test', `${file.replace(/\W/g, '-')}-${line}.mts`)
}

function sourceOf(snippet: Snippet): string {
  if (snippet.file.startsWith('src/')) return surroundingsOf(snippet)
  const isWhole =
    isOfPage(snippet) ||
    /from 'express-bff-session(?:\/testing|\/telemetry|\/express-openid-connect)?'/.test(snippet.code)
  return isWhole ? snippet.code : SURROUNDINGS + snippet.code
}

/** Has the snippets beside what is on the disk. */
function hostOf(files: Map<string, Snippet>, options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options)
  const { fileExists, getSourceFile, readFile } = host
  const read = (file: string) => {
    const snippet = files.get(file)
    return snippet && sourceOf(snippet)
  }
  host.fileExists = (file) => files.has(file) || fileExists(file)
  host.readFile = (file) => read(file) ?? readFile(file)
  host.getSourceFile = (file, version, ...rest) => {
    const source = read(file)
    return source === undefined
      ? getSourceFile(file, version, ...rest)
      : ts.createSourceFile(file, source, version)
  }
  return host
}
