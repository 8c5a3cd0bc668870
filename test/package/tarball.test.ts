// The package as users get it: what is in the tarball, and that an installed copy works, with either Express.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { startDevelopmentProvider } from '../../example-app/development-provider.ts'
import { VERSION } from '../../src/lib/shared.ts'
import { Browser } from '../support/browser/browser.ts'
import { freePort } from '../support/listen.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { readmeSnippet, snippetsOf } from './snippets.ts'
import { startScript } from './start-script.ts'

const root = join(import.meta.dirname, '../..')
const tsc = join(root, 'node_modules/typescript/bin/tsc')
const jest = join(root, 'node_modules/jest/bin/jest.js')
/** For what waits for npm or tsc. */
const slowMs = 120_000

/** What is installed beside either Express: the versions of TypeScript that people have, each with Node.js's types for it. */
const typescripts = {
  '5': ['typescript-6@npm:typescript@~6.0.3', 'typescript-7@npm:typescript@~7.0.2'],
  '4': ['typescript-5.5@npm:typescript@~5.5.4', 'typescript-7@npm:typescript@~7.0.2', '@types/node@20'],
}

/** Each Express with old and new, and each way of resolving modules with one of them. */
const compilers = {
  '5': [
    ['typescript', '{ "module": "nodenext" }'],
    ['typescript-6', '{ "module": "esnext", "moduleResolution": "bundler" }'],
    ['typescript-7', '{ "module": "nodenext", "exactOptionalPropertyTypes": true }'],
  ],
  '4': [
    ['typescript-5.5', '{ "module": "node16" }'],
    ['typescript', '{ "module": "commonjs", "moduleResolution": "node10" }'],
    ['typescript-7', '{ "module": "nodenext" }'],
  ],
}

const typedApp = `
import { auth, isAuthError, LoginRequiredError, relay, requireAuth, requireClaim, requireFresh, requireStepUp } from 'express-bff-session'

declare module 'express-bff-session' {
  interface User {
    roles: string[]
  }
  interface SessionData {
    lastVisit: number
  }
}

const app = express()
const bff = auth({ issuerBaseURL: 'https://id.example.com', renewal: { afterSeconds: 60 } })
app.use(bff)
app.get('/orders/:id', requireAuth(), requireFresh({ maxAgeSeconds: 30 }), (req, res) => {
  const id: string = req.params.id
  // @ts-expect-error the path has no such parameter
  req.params.number
  const lastVisit: number | undefined = req.session.lastVisit
  req.session.lastVisit = Date.now()
  // @ts-expect-error nobody said that there is such a thing
  req.session.nothing
  const roles: string[] | undefined = req.oidc.user?.roles
  const email: string | undefined = req.oidc.user?.email
  const city: string | undefined = req.oidc.user?.address?.locality
  const other: unknown = req.oidc.user?.other
  const loggedIn: boolean = req.oidc.isAuthenticated()
  res.json({ id, lastVisit, roles, email, city, other, loggedIn })
})
app.use('/api/:version', requireClaim('roles', 'admin'), relay({ target: 'https://api.example.com' }))
app.post('/transfer/:to', requireStepUp({ acr: 'mfa' }), (req, res) => {
  const to: string = req.params.to
  res.json({ to, sub: req.oidc.user?.sub })
})
const handlers: express.RequestHandler[] = [requireAuth(), bff]
app.use(handlers)
export const codeOf = (error: unknown) => (error instanceof LoginRequiredError ? error.code : undefined)
export const isDown = (error: unknown) => isAuthError(error) && error.status === 503
// @ts-expect-error there is no such option
app.use(auth({ issuerBaseUrl: 'https://id.example.com' }))
`

const jestTest = `
const { once } = require('node:events')
const express = require('express')
const { auth, requireAuth } = require('express-bff-session')
const { BffError } = require('express-bff-session/browser')

test('nobody is logged in', async () => {
  const app = express()
  const bff = auth({
    issuerBaseURL: 'https://id.example.com',
    baseURL: 'http://localhost:3000',
    clientID: 'client',
    clientSecret: 'a secret of the client',
    secret: 'a secret of this test that is long enough',
  })
  app.use(bff)
  app.get('/', requireAuth(), (req, res) => res.end())
  const server = app.listen(0)
  await once(server, 'listening')
  const answer = await fetch('http://localhost:' + server.address().port)
  expect([answer.status, (await answer.json()).code]).toEqual([401, 'login_required'])
  expect(typeof BffError).toBe('function')
  server.close()
  await Promise.all([once(server, 'close'), bff.close()])
})
`

let folder: string
let tarball: string
/** What is in the tarball. */
let unpacked: string

const run = async (cwd: string, command: string, ...args: string[]) => {
  try {
    return (await promisify(execFile)(command, args, { cwd })).stdout
  } catch (error) {
    // tsc and npm say what is wrong on stdout, which Node.js leaves out of the message.
    const { message, stdout } = error as Error & { stdout?: string }
    throw new Error(`${message}\n${stdout ?? ''}`)
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'express-bff-session-'))
  const project = join(folder, 'project')
  await copyProject(project)
  await build(project)
  await run(project, 'npm', 'pack', '--ignore-scripts', '--pack-destination', folder)
  const packed = (await readdir(folder)).find((file) => file.endsWith('.tgz'))
  tarball = join(folder, packed ?? '')
  unpacked = join(folder, 'unpacked')
  await mkdir(unpacked)
  await run(unpacked, 'tar', '-xzf', tarball)
}, slowMs)

/** So that no other run finds its dist emptied, nor empties this one's. */
async function copyProject(to: string): Promise<void> {
  const left = ['node_modules', '.git', 'dist'].map((name) => join(root, name))
  await cp(root, to, { recursive: true, filter: (file) => !left.includes(file) })
  await symlink(join(root, 'node_modules'), join(to, 'node_modules'))
}

/** As `npm run build` does it, but for the type check, which is none of a tarball's. */
async function build(project: string): Promise<void> {
  const { scripts } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'))
  expect(scripts.prepack).toBe('npm run build')
  const commands = `${scripts.build} && ${scripts['build:browser']}`.split(' && ')
  const compiling = commands.filter((command) => command.startsWith('tsc '))
  expect(compiling).toHaveLength(3)
  for (const command of compiling) {
    await run(project, process.execPath, tsc, ...command.split(' ').slice(1), '--noCheck')
  }
  expect(scripts.build).toMatch(/ && node scripts\/build-commonjs\.mjs$/)
  await run(project, process.execPath, 'scripts/build-commonjs.mjs')
}

afterAll(() => rm(folder, { recursive: true, force: true }))

test('the tarball holds what is meant, and nothing else', async () => {
  const list = (await run(folder, 'tar', '-tzf', tarball)).trim().split('\n')
  const meant =
    /^package\/(dist\/[\w/-]+(\.js|\.d\.cts)|dist\/((browser|testing)\/)?index\.(cjs|d\.ts)|dist\/THIRD-PARTY-LICENSES\.txt|README\.md|LICENSE|CHANGELOG\.md|package\.json)$/
  expect(list.filter((file) => !meant.test(file))).toEqual([])
  expect(list).toEqual(
    expect.arrayContaining(
      ['dist/index.js', 'dist/index.d.ts', 'README.md', 'LICENSE', 'CHANGELOG.md', 'package.json'].map(
        (file) => `package/${file}`,
      ),
    ),
  )
})

test('what is packed names no path of the machine it was built on, and no source map', async () => {
  const files = await readdir(unpacked, { recursive: true, withFileTypes: true })
  const texts = await Promise.all(
    files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), 'utf8')),
  )
  expect(texts.length).toBeGreaterThan(4)
  const forbidden = [root, folder, 'sourceMappingURL']
  expect(texts.filter((text) => forbidden.some((word) => text.includes(word)))).toEqual([])
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
    const page = `import { BffError, fetch, me, onSessionEnd } from 'express-bff-session/browser'
const stop: () => void = onSessionEnd((event) => event.preventDefault())
const name: string | undefined = (await me())?.user.sub
const answer: Response = await fetch('/api/balance')
const isOver = (error: unknown) => error instanceof BffError && error.code === 'session_ended'
// @ts-expect-error there is no such code
const isOdd = (error: BffError) => error.code === 'session_end'
export { answer, isOdd, isOver, name, stop }
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

test('the version by which two loaded copies know each other is the package’s', async () => {
  const { version } = JSON.parse(await readFile(join(unpacked, 'package/package.json'), 'utf8'))
  expect(VERSION).toBe(version)
})

describe.each(['5', '4'] as const)('in an empty project with Express %s', (express) => {
  const show = 'console.log(typeof auth, typeof requireAuth(), typeof requireFresh())'
  const names = '{ auth, requireAuth, requireFresh }'
  let project: string

  beforeAll(async () => {
    project = join(folder, `express-${express}`)
    await mkdir(project)
    await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }')
    const packages = [tarball, `express@${express}`, `@types/express@${express}`, ...typescripts[express]]
    await run(project, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', ...packages)
  }, slowMs)

  test('an installed copy is imported by an ES module', async () => {
    await writeFile(join(project, 'esm.js'), `import ${names} from 'express-bff-session'\n${show}\n`)
    expect(await run(project, process.execPath, 'esm.js')).toBe('function function function\n')
  })

  test('an installed copy is loaded by require()', async () => {
    await writeFile(
      join(project, 'commonjs.cjs'),
      `const ${names} = require('express-bff-session')\n${show}\n`,
    )
    expect(await run(project, process.execPath, 'commonjs.cjs')).toBe('function function function\n')
  })

  test('import and require() give one and the same in Node.js, without a warning', async () => {
    const script = `process.on('warning', (warning) => console.log(warning.message))
import('express-bff-session').then((imported) => console.log(imported.auth === require('express-bff-session').auth))
`
    await writeFile(join(project, 'one.cjs'), script)
    expect(await run(project, process.execPath, 'one.cjs')).toBe('true\n')
  })

  test('an error of what require() loads elsewhere is known to what is imported', async () => {
    const script = `import { ConfigurationError, auth, isAuthError } from 'express-bff-session'
import bundle from './node_modules/express-bff-session/dist/index.cjs'
try {
  bundle.auth({})
} catch (error) {
  console.log(bundle.auth === auth, isAuthError(error), error instanceof ConfigurationError)
}
`
    await writeFile(join(project, 'both.mjs'), script)
    expect(await run(project, process.execPath, 'both.mjs')).toBe('false true true\n')
  })

  test('a plain Jest, in its CommonJS mode, requires it and is refused by a guard', async () => {
    const tests = join(project, 'jest')
    await mkdir(tests)
    await writeFile(join(tests, 'guard.test.js'), jestTest)
    await writeFile(join(tests, 'package.json'), '{ "private": true, "jest": { "transform": {} } }')
    await run(tests, process.execPath, jest, '--cache=false')
  })

  const { redis, baseURL } = useParts(async (start) => {
    const port = await freePort()
    const baseURL = new URL(`http://localhost:${port}`)
    const redis = await start(startRedis())
    const provider = await startDevelopmentProvider({ appURL: baseURL.origin })
    await start({ stop: () => provider.close() })
    const values: Record<string, string> = {
      ISSUER_BASE_URL: provider.issuer,
      BASE_URL: baseURL.origin,
      CLIENT_ID: provider.clientID,
      CLIENT_SECRET: provider.clientSecret,
      SECRET: 'a secret of this test that is long enough',
      REDIS_URL: redis.url,
    }
    const environment = readmeSnippet('# .env').replace(
      /^(\w+)=.*$/gm,
      (_, name) => `${name}="${values[name]}"`,
    )
    await writeFile(join(project, '.env'), environment)
    await writeFile(join(project, 'server.mjs'), readmeSnippet('// server.mjs').replace('3000', `${port}`))
    const args = ['--env-file=.env', 'server.mjs']
    await start(startScript(project, args, `${baseURL}me`))
    return { redis, baseURL }
  })

  test('the README snippet, pasted into the project, logs somebody in at the provider of the example', async () => {
    const url = baseURL.origin
    const profile = await new Browser().logIn(url, { path: '/profile', user: 'Newcomer' })
    expect(profile.url).toBe(`${url}/profile`)
    expect(profile.json()).toMatchObject({ sub: expect.any(String), name: 'Newcomer' })
    expect(await redis.connect().keys('bff:{*}:auth')).toHaveLength(1)
  })

  test('the tests of docs/testing.md pass, by node:test', async () => {
    await symlink(join(root, 'node_modules/supertest'), join(project, 'node_modules/supertest'))
    for (const file of ['app.js', 'app.test.js']) {
      const found = snippetsOf('docs/testing.md').find(({ code }) => code.startsWith(`// ${file}`))
      await writeFile(join(project, file), found?.code ?? '')
    }
    const env = { ...process.env, NODE_ENV: 'test', NODE_OPTIONS: '' }
    const args = ['--test', '--test-reporter=tap', 'app.test.js']
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: project, env })
    expect(stdout).toMatch(/^# pass 4$/m)
    expect(stdout).toMatch(/^# fail 0$/m)
  })

  test.each(compilers[express])(
    '%s type-checks it by “%s”, where nothing is hoisted and no types are loaded by themselves',
    async (typescript, options) => {
      const strict = await isolated(project, join(folder, `${express}-${typescript}`))
      const [compiler, settings] = [
        typescript === 'typescript' ? tsc : join(project, 'node_modules', typescript, 'bin/tsc'),
        JSON.parse(options),
      ]
      const files =
        settings.module === 'esnext'
          ? ['app.mts']
          : settings.module === 'commonjs'
            ? ['app.cts']
            : ['app.mts', 'app.cts']
      const compilerOptions = {
        noEmit: true,
        strict: true,
        target: 'es2022',
        types: [],
        skipDefaultLibCheck: true,
        ...settings,
      }
      await writeFile(join(strict, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
      await writeFile(join(strict, 'app.mts'), `import express from 'express'\n${typedApp}`)
      await writeFile(join(strict, 'app.cts'), `import express = require('express')\n${typedApp}`)
      await run(strict, process.execPath, compiler, '-p', '.')
    },
    slowMs,
  )
})

/** As pnpm lays it out: a project finds what it has asked for, and the package what it depends on. */
async function isolated(installed: string, to: string): Promise<string> {
  const store = join(to, '.store/node_modules')
  await cp(join(unpacked, 'package'), join(store, 'express-bff-session'), { recursive: true })
  const { dependencies } = JSON.parse(await readFile(join(unpacked, 'package/package.json'), 'utf8'))
  const link = async (from: string, node_modules: string, name: string) => {
    await mkdir(join(node_modules, name, '..'), { recursive: true })
    await symlink(join(from, name), join(node_modules, name))
  }
  const from = join(installed, 'node_modules')
  for (const name of [...Object.keys(dependencies), 'express']) await link(from, store, name)
  for (const name of ['express', '@types/express']) await link(from, join(to, 'node_modules'), name)
  await link(store, join(to, 'node_modules'), 'express-bff-session')
  return to
}
