// What `require()` loads where it cannot load ES modules, as in Jest: dist/**/index.cjs, and the types of both.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildSync } from 'esbuild'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
const ENTRIES = ['index', 'browser/index', 'testing/index', 'express-openid-connect/index', 'telemetry/index']
/** They are ES modules only, and so have to be in the bundle; whatever else we depend on is loaded from where it is installed. */
const BUNDLED = ['httpxy', 'jose', 'oauth4webapi', 'openid-client', 'p-limit', 'yocto-queue']

const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** One entry's way to the package itself: it is loaded, and not in each of them again. */
const PACKAGE = '../index.ts'

for (const entry of ENTRIES) {
  const outfile = `dist/${entry}.cjs`
  buildSync({
    absWorkingDir: root,
    entryPoints: [`src/${entry}.ts`],
    outfile,
    bundle: true,
    format: 'cjs',
    platform: entry === 'browser/index' ? 'neutral' : 'node',
    target: 'node20',
    external: [
      ...Object.keys({ ...dependencies, ...peerDependencies }).filter((name) => !BUNDLED.includes(name)),
      ...(entry === 'index' ? [] : [PACKAGE]),
    ],
    // Jest has no import() in its CommonJS mode.
    supported: { 'dynamic-import': false },
    // Paths in comments are those of the project, wherever node_modules may be.
    preserveSymlinks: true,
    // Without the sources, which are in the maps of the modules. A page's debugger would ask the server for the browser's map.
    sourcemap: entry !== 'browser/index',
    sourcesContent: false,
    logLevel: 'warning',
  })
  const text = readFileSync(join(root, outfile), 'utf8')
  writeFileSync(join(root, outfile), text.replaceAll(`require("${PACKAGE}")`, 'require("../index.cjs")'))
}
writeTypes()
writeNotices()

/**
 * One set of declarations for both, so that what `import` and `require()` give is one type, and what an app adds to it is
 * in both: the CommonJS ones, because an ES module may load those, and not the other way round.
 */
function writeTypes() {
  for (const entry of ENTRIES) moveTypes(join(dist, `${entry}.d.ts`), new Set())
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('.d.ts')) rmSync(join(dist, file))
  }
  for (const entry of ENTRIES) writeFileSync(join(dist, `${entry}.d.ts`), "export * from './index.cjs'\n")
}

/** @param {string} file @param {Set<string>} moved Only what an entry's types name: the rest of the inside is nobody's. */
function moveTypes(file, moved) {
  if (moved.has(file)) return
  moved.add(file)
  const text = readFileSync(file, 'utf8').replace(/(['"])(\.\.?\/[^'"]+)\.[tj]s\1/g, (_, quote, path) => {
    moveTypes(join(dirname(file), `${path}.d.ts`), moved)
    return `${quote}${path}.cjs${quote}`
  })
  writeFileSync(file.replace(/\.d\.ts$/, '.d.cts'), text)
}

/** Whoever hands on a copy has to hand on its licence with it. */
function writeNotices() {
  const texts = BUNDLED.map((name) => {
    const folder = join(root, 'node_modules', name)
    const licence = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file)) ?? ''
    return `${name}\n\n${readFileSync(join(folder, licence), 'utf8').trim()}\n`
  })
  writeFileSync(
    join(dist, 'THIRD-PARTY-LICENSES.txt'),
    `index.cjs has these packages in it.\n\n${texts.join('\n\n')}`,
  )
}
