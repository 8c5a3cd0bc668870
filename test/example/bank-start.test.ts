// `npm start -- --open`, as a process of its own: the browser is shown the bank, and where there is none the bank opens all the same.
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startScript } from '../package/start-script.ts'
import { eventually } from '../support/deadline.ts'
import { freePort } from '../support/listen.ts'
import { useParts } from '../support/servers.ts'

const root = join(import.meta.dirname, '../..')

const { folder } = useParts(async (start) => {
  const path = await mkdtemp(join(tmpdir(), 'bank-start-'))
  await start({ stop: () => rm(path, { recursive: true }) })
  return { folder: { path } }
})

test('the browser of this machine is shown the bank', async () => {
  const opened = join(folder.path, 'opened')
  for (const opener of ['open', 'xdg-open']) {
    const file = join(folder.path, opener)
    await writeFile(file, `#!/bin/sh\nprintf %s "$1" > '${opened}'\n`)
    await chmod(file, 0o755)
  }
  const port = await freePort()
  const url = `http://localhost:${port}`
  const args = ['--import', 'tsx', 'example-app/main.ts', '--open']
  const bank = await startScript(root, args, url, { PORT: `${port}`, PATH: folder.path })
  try {
    expect(await eventually('the browser to open', () => readFile(opened, 'utf8'))).toBe(url)
    expect(bank.output()).not.toContain('No browser')
    expect(await bank.sigterm()).toBe(0)
  } finally {
    await bank.stop()
  }
})

test.each([
  { where: 'there is no opener', opener: undefined },
  { where: 'the opener finds no browser', opener: '#!/bin/sh\nexit 3\n' },
])('where $where, that is told and nothing fails', async ({ opener }) => {
  const path = await mkdtemp(join(folder.path, 'empty-'))
  for (const name of opener ? ['open', 'xdg-open'] : []) {
    await writeFile(join(path, name), opener ?? '', { mode: 0o755 })
  }
  const script = `import { openInBrowser } from './example-app/open-in-browser.ts'
const app = setInterval(() => {}, 1000)
openInBrowser('http://localhost:3000', () => {
  console.log('told')
  clearInterval(app)
})`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', script],
    { cwd: root, env: { PATH: path }, timeout: 10_000 },
  )
  expect(stdout).toBe('told\n')
})
