// Before a version is published: the tag, package.json and the changelog say the same. Prints the changelog's entry.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addressFrom } from './address.mjs'

const root = join(import.meta.dirname, '..')

/**
 * What the changelog says of a version, without the heading; '' where it has no entry with a date.
 *
 * @param {string} changelog
 * @param {string} version
 */
export function entryOf(changelog, version) {
  const sections = changelog.split(/^## /m)
  const section = sections.find((one) => one.startsWith(`[${version}] - `)) ?? ''
  const [heading = '', ...lines] = section.split('\n')
  return / - \d{4}-\d{2}-\d{2}$/.test(heading) ? lines.join('\n').trim() : ''
}

/**
 * Everything that is wrong, in a sentence each.
 *
 * @param {object} release
 * @param {string} release.tag
 * @param {string} release.repository `OWNER/NAME` of the workflow
 * @param {{ version: string, repository: { url: string } }} release.manifest package.json
 * @param {{ version: string }} release.lock package-lock.json
 * @param {string} release.changelog
 */
export function faultsOf({ tag, repository, manifest, lock, changelog }) {
  const { version } = manifest
  const { path, isPublic } = addressFrom(manifest.repository.url)
  const isHere = isPublic && path.toLowerCase() === repository.toLowerCase()
  return [
    tag !== `v${version}` &&
      `the tag is '${tag}', and package.json says 'v${version}': npm version ${version}`,
    lock.version !== version &&
      `package-lock.json says ${lock.version}, and package.json ${version}: npm install`,
    entryOf(changelog, version) === '' &&
      `CHANGELOG.md has no entry under '## [${version}] - YYYY-MM-DD': rename what is under '## [Unreleased]'`,
    /^## \[Unreleased\]\s+(?!## )\S/m.test(changelog) &&
      "CHANGELOG.md still has something under '## [Unreleased]', which this version would not tell of",
    !isHere &&
      `package.json's repository is ${path}, and this is ${repository}: npm run address -- https://github.com/${repository}`,
  ].filter((fault) => fault !== false)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const read = (/** @type {string} */ file) => readFileSync(join(root, file), 'utf8')
  const {
    GITHUB_REF_NAME: tag = process.argv[2] ?? '',
    GITHUB_REPOSITORY: repository = process.argv[3] ?? '',
  } = process.env
  const manifest = JSON.parse(read('package.json'))
  const changelog = read('CHANGELOG.md')
  const faults = faultsOf({
    tag,
    repository,
    manifest,
    lock: JSON.parse(read('package-lock.json')),
    changelog,
  })
  for (const fault of faults) console.error(`check-release: ${fault}`)
  if (faults.length > 0) process.exitCode = 1
  else console.log(entryOf(changelog, manifest.version))
}
