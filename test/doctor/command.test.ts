// express-bff-session doctor, run as a process: what it reads, what it writes, and how it ends.
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readArguments, USAGE } from '../../src/doctor/arguments.ts'
import type { Found } from '../../src/doctor/finding.ts'
import { asText } from '../../src/doctor/print.ts'
import { startApp } from '../support/app/app.ts'
import { ONE_CLIENT } from '../support/app/app-options.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { runDoctor } from './run-doctor.ts'

const PASSWORD = 'the-password-of-redis'
const SECRET = 'a secret from the environment which is long enough'

const { provider, app, redis, files } = useParts(async (start) => {
  const provider = await start(startProvider())
  const redis = await start(startRedis())
  const folder = await mkdtemp(join(tmpdir(), 'doctor-'))
  await start({ stop: () => rm(folder, { recursive: true }) })
  await redis.connect().call('ACL', 'SETUSER', 'app', 'on', `>${PASSWORD}`, '~*', '&*', '+@all')
  return { provider, redis, app: await start(startApp({ provider })), files: { folder } }
})

const environment = (): Record<string, string> => ({
  ISSUER_BASE_URL: provider.issuer,
  BASE_URL: app.url,
  CLIENT_ID: ONE_CLIENT.clientId,
  CLIENT_SECRET: ONE_CLIENT.clientSecret,
  SECRET,
  REDIS_URL: redis.url.replace('redis://', `redis://app:${PASSWORD}@`),
})

test('with a .env file and --url: a line a finding, the addresses to enter, no secret, and 0', async () => {
  const file = join(files.folder, '.env')
  const lines = Object.entries({ ...environment(), CLIENT_ID: 'another' })
  await writeFile(file, lines.map(([name, value]) => `${name}="${value}"`).join('\n'))
  // What is set already stays.
  const { code, stdout, stderr } = await runDoctor(['doctor', '--env-file', file, '--url', app.url], {
    CLIENT_ID: ONE_CLIENT.clientId,
  })
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toContain('\n✓ client-credentials: ')
  expect(stdout).toContain(`\n✓ redirect-uri: ${app.url}/callback is registered\n`)
  expect(stdout).toContain(`enter ${app.url}/backchannel-logout at the provider, to the letter\n`)
  expect(stdout).toMatch(/\n✓ url-cookie: bff-login-\d comes with Path=\/, HttpOnly, SameSite=Lax\n/)
  expect(stdout).toMatch(/\n\n\d+ ok, 0 warning, \d unknown, 0 failed\n$/)
  for (const secret of [PASSWORD, SECRET, ONE_CLIENT.clientSecret]) expect(stdout).not.toContain(secret)
})

test('--json and --options: what a program reads, and 1 where something failed', async () => {
  const file = join(files.folder, 'options.mjs')
  await writeFile(file, "export default { idTokenSigningAlg: 'PS256', redis: false }")
  const { code, stdout } = await runDoctor(['doctor', '--json', '--options', file], {
    ...environment(),
    CLIENT_SECRET: 'a wrong one',
  })
  expect(code).toBe(1)
  const { findings, failed, warnings } = JSON.parse(stdout)
  const wrong = findings.filter(({ status }: { status: string }) => status === 'failed')
  expect(wrong).toEqual([
    expect.objectContaining({ name: 'id-token-algorithm' }),
    expect.objectContaining({ name: 'keys', cure: expect.stringContaining('idTokenSigningAlg') }),
    expect.objectContaining({ name: 'client-credentials', found: expect.stringContaining('CLIENT_SECRET') }),
  ])
  expect([failed, warnings]).toEqual([3, 1])
  expect(stdout).not.toContain('a wrong one')
})

test('what the options hold open, as a Redis client does, does not keep the process', async () => {
  const file = join(files.folder, 'open.mjs')
  await writeFile(file, 'setInterval(() => {}, 1000)\nexport default { redis: false }')
  const { code, stdout } = await runDoctor(['doctor', '--json', '--options', file], environment())
  expect([code, JSON.parse(stdout).failed]).toEqual([0, 0])
})

test('every mistake in the environment is a finding of its own', async () => {
  const { SECRET: _, CLIENT_ID: __, ...rest } = environment()
  const { code, stdout } = await runDoctor(['doctor'], { ...rest, BASE_URL: `${app.url} # this server` })
  expect(code).toBe(1)
  expect(stdout).toMatch(
    /✗ options: baseURL \(BASE_URL\) is "http:\/\/localhost:\d+ # this server", which has a space/,
  )
  expect(stdout).toMatch(/\n✗ options: clientID \(CLIENT_ID\)/)
  expect(stdout).toMatch(/\n✗ options: secret \(SECRET\)/)
  expect(stdout).toMatch(/\n0 ok, 0 warning, 0 unknown, 3 failed\n$/)
})

test('what it cannot be asked ends with 2, and says what it can be', async () => {
  const { code, stdout, stderr } = await runDoctor(['doctor', '--secret=x'], environment())
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(
    /^express-bff-session: Unknown option '--secret'.*\n\nUsage: express-bff-session doctor/s,
  )
})

test.each([
  [[], 'no such command: none was named'],
  [['check'], 'no such command: check'],
  [['doctor', 'now'], "it takes no 'now'"],
  [['doctor', '--url', 'app.example.com'], '--url must be the address of your app'],
  [['doctor', '--url', 'https://me:secret@app.example.com'], '--url must have no user name'],
  [['doctor', '--url'], '--url'],
])('%j is a mistake', (args, said) => {
  expect(() => readArguments(args)).toThrow(said)
})

test('--help needs nothing else', () => {
  expect(readArguments(['--help'])).toMatchObject({ help: true })
})

// Node.js 20 reads an --env-file that stands after the script's name too, and ends with 9 where there is none.
test.each([
  ['--env-file', /not found|ENOENT/, [2, 9]],
  ['--options', /ERR_MODULE_NOT_FOUND/, [2]],
])('%s that is not there', async (option, said, codes) => {
  const { code, stdout, stderr } = await runDoctor(
    ['doctor', option, join(files.folder, 'none')],
    environment(),
  )
  expect(codes).toContain(code)
  expect([stdout, stderr]).toEqual(['', expect.stringMatching(said)])
})

test('what is said of several in a row is said once', () => {
  const rest = { found: 'was not asked' }
  const text = asText([
    { name: 'scopes', status: 'unknown', ...rest },
    { name: 'grants', status: 'unknown', ...rest },
    { name: 'login', status: 'ok', ...rest },
  ])
  expect(text).toBe(
    '? scopes, grants: was not asked\n✓ login: was not asked\n\n1 ok, 0 warning, 2 unknown, 0 failed\n',
  )
})

describe('docs/doctor.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/doctor.md'), 'utf8')

  test('each option is documented, and no other', () => {
    const optionsIn = (text: string, form: RegExp) => [...text.matchAll(form)].map(([, option]) => option)
    const documented = optionsIn(page, /^\| `(--[\w-]+)/gm)
    expect(documented.length).toBeGreaterThan(4)
    expect(optionsIn(USAGE, /^ {2}(--[\w-]+)/gm)).toEqual(documented)
  })

  test('each status has the sign that is printed', () => {
    const rows = [...page.matchAll(/^\| (\S) \| `(\w+)` \|/gm)]
    expect(rows).toHaveLength(4)
    for (const [, sign, status] of rows) {
      const finding: Found = { name: 'login', status: status as Found['status'], found: 'x' }
      expect(asText([finding])).toContain(`${sign} login: x\n`)
    }
  })
})
