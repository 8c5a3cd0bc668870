// The app that a page of the documentation shows, run as it stands there.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { freePort } from '../support/listen.ts'
import { type Snippet, snippetsOf } from './snippets.ts'
import { type RunningScript, startScript } from './start-script.ts'

export interface PageScript extends RunningScript {
  readonly url: string
}

export const PAGE_SECRET = 'a secret of these tests that is long enough'

const root = join(import.meta.dirname, '../..')
/** `// server.mjs` or `<!-- views/home.ejs -->`, as a snippet's first line. */
const FILE_NAME = /^(?:\/\/|<!--) ([\w./-]+\.(?:mjs|js|ejs|html))(?: -->)?\n/

/** Writes the page's files into a folder of the project, and starts its server.mjs. @param answers a path that answers */
export async function startPageScript(
  page: string,
  environment: Record<string, string>,
  answers = '/me',
): Promise<PageScript> {
  const folder = await mkdtemp(join(root, 'test/.docs-'))
  const port = await freePort()
  const url = `http://localhost:${port}`
  const tidyUp = () => rm(folder, { recursive: true, force: true })
  try {
    await Promise.all(snippetsOf(page).map((snippet) => write(folder, snippet, port)))
    const script = await startScript(folder, ['--import', 'tsx', 'server.mts'], `${url}${answers}`, {
      TSX_TSCONFIG_PATH: join(root, 'tsconfig.json'),
      BASE_URL: url,
      SECRET: PAGE_SECRET,
      ...environment,
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

async function write(folder: string, { code }: Snippet, port: number): Promise<void> {
  const name = FILE_NAME.exec(code)?.[1]
  if (name === undefined) return
  // As TypeScript, so that the package is found in its sources and needs no build.
  const file = join(folder, name.replace('.mjs', '.mts'))
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, code.replace('3000', `${port}`))
}
