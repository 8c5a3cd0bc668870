// Before the neighbours' tests, once: the package is packed, and all of them install that tarball.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import prepare, { removeMade } from '../support/global-setup.mjs'
import { pack } from '../support/pack.mjs'

const folder = mkdtempSync(join(tmpdir(), 'express-bff-session-'))

export default function setup() {
  prepare()
  process.env.TEST_TARBALL = pack(folder).tarball
}

export function tidyUp() {
  removeMade()
  rmSync(folder, { recursive: true, force: true })
}
