// The package as users get it: what is in the tarball, and that a copy of it works beside the packages of this project. What
// others install beside it: test/neighbours.
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { VERSION } from '../../src/lib/shared.ts'
import { exchange } from '../support/browser/http-exchange.ts'
import { eventually } from '../support/deadline.ts'
import { freePort } from '../support/listen.ts'
import { pack } from '../support/pack.mjs'
import { testPackedCopy } from './packed-copy.ts'
import { run } from './run.ts'
import { writeSnippets } from './snippets.ts'
import { startScript } from './start-script.ts'

const root = join(import.meta.dirname, '../..')
const tsc = join(root, 'node_modules/@typescript/native/bin/tsc')
/** For what waits for tsc. */
const slowMs = 120_000

let folder: string
let tarball: string
/** What is in the tarball. */
let unpacked: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'express-bff-session-'))
  ;({ tarball, unpacked } = pack(folder))
}, slowMs)

afterAll(() => rm(folder, { recursive: true, force: true }))

test('the tarball holds what is meant, and nothing else', async () => {
  const list = (await run(folder, 'tar', '-tzf', tarball)).trim().split('\n')
  const meant =
    /^package\/(dist\/[\w/-]+(\.js(\.map)?|\.d\.cts)|dist\/((browser|testing|telemetry|express-openid-connect)\/)?index\.(cjs(\.map)?|d\.ts)|dist\/THIRD-PARTY-LICENSES\.txt|docs\/(providers\/)?[\w-]+\.md|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md|package\.json)$/
  expect(list.filter((file) => !meant.test(file))).toEqual([])
  expect(list).toEqual(
    expect.arrayContaining(
      ['dist/index.js', 'dist/index.d.ts', 'README.md', 'LICENSE', 'CHANGELOG.md', 'package.json'].map(
        (file) => `package/${file}`,
      ),
    ),
  )
})

test('what is packed names no path of the machine it was built on', async () => {
  const files = await readdir(unpacked, { recursive: true, withFileTypes: true })
  const texts = await Promise.all(
    files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), 'utf8')),
  )
  expect(texts.length).toBeGreaterThan(4)
  const forbidden = [root, folder]
  expect(texts.filter((text) => forbidden.some((word) => text.includes(word)))).toEqual([])
})

test('each module has its source in its map, but for what a browser loads, which names none', async () => {
  const dist = join(unpacked, 'package/dist')
  const files = await readdir(dist, { recursive: true })
  const modules = files.filter((file) => file.endsWith('.js') && !file.startsWith('browser/'))
  expect(modules.length).toBeGreaterThan(100)
  for (const file of modules) {
    expect(await readFile(join(dist, file), 'utf8')).toMatch(/\n\/\/# sourceMappingURL=[\w-]+\.js\.map$/)
    const { sources, sourcesContent } = JSON.parse(await readFile(join(dist, `${file}.map`), 'utf8'))
    const source = join(root, 'src', file.replace(/\.js$/, '.ts'))
    expect(sources.map((one: string) => join(root, 'dist', file, '..', one))).toEqual([source])
    expect(sourcesContent).toEqual([await readFile(source, 'utf8')])
  }
  for (const file of files.filter((file) => /^browser\/.*js$/.test(file)))
    expect(await readFile(join(dist, file), 'utf8')).not.toContain('sourceMappingURL')
})

test('what a browser loads imports nothing, has no comments, and is below 2 kB compressed', async () => {
  const browser = join(unpacked, 'package/dist/browser')
  const files = (await readdir(browser)).filter((file) => file.endsWith('.js'))
  expect(files).toContain('index.js')
  const texts = await Promise.all(files.map((file) => readFile(join(browser, file), 'utf8')))
  for (const text of texts) expect(text).not.toMatch(/\bimport\b|\bfrom\b|\brequire\b|\/\*|^\s*\/\//m)
  const sizes = texts.map((text) => gzipSync(text).length)
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(2000)
  expect(await readFile(join(browser, 'index.d.cts'), 'utf8')).toContain('@throws BffError (401)')
})

test(
  'the browser’s module type-checks as a bundler reads it, and loads where there is no page',
  async () => {
    const page = `import { BffError, fetch, type Me, me, onSessionEnd } from 'express-bff-session/browser'
const stop: () => void = onSessionEnd((event) => event.preventDefault())
const person: Me | undefined = await me()
const name: string | undefined = person?.user.name ?? person?.user.sub
const roles: unknown = person?.user.roles
const answer: Response = await fetch('/api/balance')
const isOver = (error: unknown) => error instanceof BffError && error.code === 'session_ended'
// @ts-expect-error there is no such code
const isOdd = (error: BffError) => error.code === 'session_end'
export { answer, isOdd, isOver, name, roles, stop }
`
    const project = join(folder, 'page')
    await mkdir(join(project, 'node_modules'), { recursive: true })
    await symlink(join(unpacked, 'package'), join(project, 'node_modules/express-bff-session'))
    await writeFile(join(project, 'page.ts'), page)
    const options = [
      '--noEmit',
      '--skipDefaultLibCheck',
      '--strict',
      '--target',
      'es2022',
      '--lib',
      'es2022,dom',
      '--module',
      'esnext',
    ]
    await run(project, process.execPath, tsc, ...options, '--moduleResolution', 'bundler', 'page.ts')
    const load = "console.log(typeof (await import(import.meta.resolve('express-bff-session/browser'))).me)"
    expect(await run(project, process.execPath, '--input-type=module', '-e', load)).toBe('function\n')
  },
  slowMs,
)

test('what require() loads holds what is an ES module only, with its licence, and leaves the rest outside', async () => {
  const dist = join(unpacked, 'package/dist')
  const bundle = await readFile(join(dist, 'index.cjs'), 'utf8')
  const licences = await readFile(join(dist, 'THIRD-PARTY-LICENSES.txt'), 'utf8')
  const inside = [...bundle.matchAll(/^\/\/ node_modules\/((?:@[^/]+\/)?[^/]+)/gm)].map(([, name]) => name)
  const required = [...bundle.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name ?? '')
  const names = [...new Set(inside)].sort()
  expect(names).toEqual(['httpxy', 'jose', 'oauth4webapi', 'openid-client', 'p-limit', 'yocto-queue'])
  for (const name of names) expect(licences).toMatch(new RegExp(`^${name}\n\n.*(MIT|Copyright)`, 'm'))
  const packages = [...new Set(required.filter((name) => !isBuiltin(name)))].sort()
  // Jest has no import() of its own.
  expect(bundle).not.toMatch(/^[^/*]*\bimport\(/m)
  expect(packages).toEqual([
    'connect-redis',
    'cookie-signature',
    'express',
    'express-session',
    'ioredis',
    'on-headers',
    'undici',
  ])
})

test('OpenTelemetry’s API is named by its own entry only', async () => {
  const dist = join(unpacked, 'package/dist')
  const files = (await readdir(dist, { recursive: true })).filter((file) => /\.(?:c?js|d\.c?ts)$/.test(file))
  const texts = await Promise.all(files.map((file) => readFile(join(dist, file), 'utf8')))
  const naming = files.filter((_, at) => texts[at]?.includes('@opentelemetry')).map((file) => dirname(file))
  expect([...new Set(naming)]).toEqual(['telemetry'])
})

test('the version by which two loaded copies know each other is the package’s', async () => {
  const { version } = JSON.parse(await readFile(join(unpacked, 'package/package.json'), 'utf8'))
  expect(VERSION).toBe(version)
})

describe('beside the packages of this project', () => {
  let project: string

  beforeAll(async () => {
    project = join(folder, 'beside')
    const modules = join(project, 'node_modules')
    await mkdir(modules, { recursive: true })
    await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }')
    await symlink(join(unpacked, 'package'), join(modules, 'express-bff-session'))
    await symlink(join(root, 'node_modules/express'), join(modules, 'express'))
    // Where Node.js, which follows links, looks for what the package depends on.
    await symlink(join(root, 'node_modules'), join(unpacked, 'node_modules'))
  })

  testPackedCopy(() => project)

  test('the set-up of docs/telemetry.md is scraped', async () => {
    await symlink(join(root, 'node_modules/@opentelemetry'), join(project, 'node_modules/@opentelemetry'))
    const [port, metricsPort] = [await freePort(), await freePort()]
    const folder = join(project, 'telemetry')
    const edit = (code: string) => code.replace('3000', `${port}`).replaceAll('9464', `${metricsPort}`)
    await writeSnippets('docs/telemetry.md', folder, edit)
    const url = `http://localhost:${metricsPort}/metrics`
    const script = await startScript(folder, ['--import', './telemetry.mjs', 'server.mjs'], url, {
      ISSUER_BASE_URL: 'https://id.example.com',
      BASE_URL: `http://localhost:${port}`,
      CLIENT_ID: 'client',
      CLIENT_SECRET: 'a secret of the client',
      SECRET: 'a secret of this test that is long enough',
    })
    const scrape = async () => (await exchange({ method: 'GET', url })).body
    await eventually('the metrics', async () => /^bff_session_commit_lost_total\b.* 0$/m.test(await scrape()))
    await script.stop()
  })
})
