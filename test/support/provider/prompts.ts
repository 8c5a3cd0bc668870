// A provider that knows the prompts of account choosers and of registration: it shows its login for both.
import type { Configuration } from 'oidc-provider'
import { interactionPolicy } from './quiet-oidc-provider.ts'

const OTHERS = ['select_account', 'create']

export function withPrompts(configuration: Configuration): Configuration {
  const { base, Check, Prompt } = interactionPolicy
  const policy = base()
  for (const name of OTHERS) {
    const prompt = new Prompt({ name, requestable: true })
    prompt.checks.clear()
    policy.add(prompt, 0)
    policy.get('login')?.checks.add(
      new Check(`${name}_asked`, `${name} was asked for`, ({ oidc }) => {
        const isOpen = oidc.prompts.has(name) && oidc.result?.login === undefined
        return isOpen ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT
      }),
    )
  }
  return { ...configuration, interactions: { policy } }
}
