// Where the project is: `repository.url` in package.json says it, and everything else follows from that. To move:
// npm run address -- https://github.com/OWNER/NAME
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const file = join(import.meta.dirname, '../package.json')

/**
 * @typedef {object} Address
 * @property {string} path `OWNER/NAME`, as GitHub Actions has it in `GITHUB_REPOSITORY`
 * @property {string} web the page of the repository
 * @property {boolean} isPublic false for an owner that GitHub gives to nobody: there is no such page yet
 * @property {{ repository: { type: string, url: string }, homepage: string, bugs: { url: string } }} fields of package.json
 */

/** @param {string} url @returns {Address} */
export function addressFrom(url) {
  const { owner = '', name = '' } =
    /^(?:git\+)?https:\/\/github\.com\/(?<owner>[^/]+)\/(?<name>[^/]+?)(?:\.git)?\/?$/.exec(url)?.groups ?? {}
  if (owner === '')
    throw new Error(`'${url}' is no repository on GitHub: https://github.com/OWNER/NAME is expected`)
  const web = `https://github.com/${owner}/${name}`
  return {
    path: `${owner}/${name}`,
    web,
    isPublic: /^[a-z\d]+(?:-[a-z\d]+)*$/i.test(owner),
    fields: {
      repository: { type: 'git', url: `git+${web}.git` },
      homepage: `https://${owner.toLowerCase()}.github.io/${name}/`,
      bugs: { url: `${web}/issues` },
    },
  }
}

/** Of this project. */
export function address() {
  return addressFrom(JSON.parse(readFileSync(file, 'utf8')).repository.url)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const manifest = JSON.parse(readFileSync(file, 'utf8'))
  const { fields } = addressFrom(process.argv[2] ?? '')
  writeFileSync(file, `${JSON.stringify({ ...manifest, ...fields }, null, 2)}\n`)
  console.log(`package.json: ${fields.repository.url}, ${fields.homepage}, ${fields.bugs.url}`)
}
