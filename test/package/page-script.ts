// The app that a page of the documentation shows, run as it stands there.
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { freePort } from '../support/listen.ts'
import { writeSnippets } from './snippets.ts'
import { type RunningScript, startScript } from './start-script.ts'

export interface PageScript extends RunningScript {
  readonly url: string
}

export const PAGE_SECRET = 'a secret of these tests that is long enough'

const root = join(import.meta.dirname, '../..')

/**
 * Writes the page's files into an empty project, and starts its server.mjs.
 *
 * @param environment may go by the port at which it will listen
 * @param answers a path that answers
 */
export async function startPageScript(
  page: string,
  environment: Record<string, string> | ((port: number) => Record<string, string>),
  answers = '/me',
): Promise<PageScript> {
  const folder = await mkdtemp(join(tmpdir(), 'express-bff-session-docs-'))
  const port = await freePort()
  const url = `http://localhost:${port}`
  const tidyUp = () => rm(folder, { recursive: true, force: true })
  try {
    await install(folder)
    await writeSnippets(page, folder, (code) => code.replace('3000', `${port}`))
    const script = await startScript(folder, ['server.mjs'], `${url}${answers}`, {
      BASE_URL: url,
      SECRET: PAGE_SECRET,
      ...(typeof environment === 'function' ? environment(port) : environment),
    })
    return {
      ...script,
      url,
      async stop() {
        await script.stop()
        await tidyUp()
      },
    }
  } catch (error) {
    await tidyUp()
    throw error
  }
}

/** The package as it was compiled before all tests, so that they need no build. */
async function install(folder: string): Promise<void> {
  const { TEST_PACKAGE = '', TEST_BROWSER_MODULE = '' } = process.env
  const installed = join(folder, 'node_modules/express-bff-session')
  await mkdir(installed, { recursive: true })
  await symlink(join(root, 'node_modules/express'), join(folder, 'node_modules/express'))
  const exports = { '.': './index.js', './browser': './browser.js' }
  // Without one of its own, the project would be part of what a package.json above it says, in the folder for temporary files.
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }))
  await writeFile(join(installed, 'package.json'), JSON.stringify({ type: 'module', exports }))
  await writeFile(join(installed, 'index.js'), `export * from '${pathToFileURL(TEST_PACKAGE)}'\n`)
  await copyFile(TEST_BROWSER_MODULE, join(installed, 'browser.js'))
}
