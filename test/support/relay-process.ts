// An app with a relay as a process of its own, from the sources as they are published: compiled beforehand.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { resolveOptions } from './app-options.ts'
import { within } from './deadline.ts'
import { exchange } from './http-exchange.ts'
import type { TestProvider } from './provider.ts'

export interface RelayProcess {
  readonly url: string
  /** the most that the process ever had in memory */
  peakMegabytes(): Promise<number>
  stop(): Promise<void>
}

const root = join(import.meta.dirname, '../..')

/** `/api` goes to the target. */
export async function startRelayProcess(provider: TestProvider, target: string): Promise<RelayProcess> {
  // Inside the project, so that packages are found.
  const folder = mkdtempSync(join(root, 'test/.compiled-'))
  const child = fork(join(import.meta.dirname, 'relay-main.mjs'), {
    // As docs/relay.md says for small containers: what is not collected yet differs by 50 MB from run to run otherwise.
    execArgv: ['--max-semi-space-size=2'],
    // What glibc has freed and keeps, thread by thread, differs by 20 MB from run to run and is nobody's memory.
    env: { ...process.env, NODE_OPTIONS: '', MALLOC_ARENA_MAX: '1' },
  })
  const exited = once(child, 'exit')
  const said = async () => (await within(once(child, 'message'), 'the process of the relay'))[0]

  async function stop() {
    child.kill('SIGKILL')
    await exited
    rmSync(folder, { recursive: true, force: true })
  }

  try {
    const url = `http://localhost:${await said()}`
    compile(folder)
    const options = await resolveOptions({ provider }, url)
    child.send({ sources: pathToFileURL(join(folder, 'index.js')).href, options, target })
    await said()
    return {
      url,
      async peakMegabytes() {
        const { body } = await exchange({ method: 'GET', url })
        return JSON.parse(body).peakKilobytes / 1024
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
}

function compile(folder: string): void {
  const src = join(root, 'src')
  for (const file of readdirSync(src, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue
    const { outputText } = ts.transpileModule(readFileSync(join(src, file), 'utf8'), { compilerOptions })
    const out = join(folder, file.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(out), { recursive: true })
    writeFileSync(out, outputText)
  }
}
