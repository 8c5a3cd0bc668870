// Compiles what tests run as a process of its own, so that none of them has to compile it at its start.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { buildSync } from 'esbuild'

const root = join(import.meta.dirname, '../..')
/** Below it, the packages of the project are found. */
const folder = join(root, 'node_modules/.cache/express-bff-session')

/**
 * @param {string} entry a file of the project's
 * @returns {string} the same as one module of JavaScript; packages are not in it
 */
export const compile = (entry) => bundle(entry, { packages: 'external', sourcemap: 'inline' })

/**
 * What is started a hundred times in a test run: without its three hundred files of packages it starts in half the time.
 *
 * @returns {string} the app of the tests, with its packages
 */
export const compileAppMain = () =>
  bundle('test/support/app/app-main.ts', {
    // Packages in CommonJS ask for Node.js's own modules.
    banner: {
      js: "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)",
    },
  })

/**
 * @param {string} entry
 * @param {import('esbuild').BuildOptions} options
 */
function bundle(entry, options) {
  const name = entry.replaceAll(/[/.]/g, '-')
  // Another run may be reading the one it made.
  const outfile = join(folder, `${name}-${process.pid}.mjs`)
  mkdirSync(folder, { recursive: true })
  buildSync({
    entryPoints: [join(root, entry)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    keepNames: true,
    logLevel: 'warning',
    ...options,
  })
  return outfile
}
