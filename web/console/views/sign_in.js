// Who is there: a choice, where the local runtime offers one; a token, everywhere.

import { ConnectionLost, SignedOut } from '../api.js'
import { h } from '../dom.js'
import { note } from '../parts.js'
import { signIn } from '../session.js'

export async function showSignIn({ place, show, signal, isRefused }) {
  const people = await findPeople(signal)
  const wrong = h('p', { class: 'wrong', role: 'alert' })
  const refused = h('div', {}, isRefused && note(new SignedOut()))
  const enter = (token) => {
    if (signIn(token)) show()
    else wrong.textContent = 'This is no token. A token has three parts, with a dot between them.'
  }
  const field = h('textarea', { id: 'token', rows: '3', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off', 'aria-describedby': 'token-help' })
  const paste = h(
    'form',
    { class: 'paste', onsubmit: (event) => { event.preventDefault(); enter(field.value.trim().replace(/^Bearer /, '')) } },
    h('label', { for: 'token' }, 'Token'),
    field,
    h('p', { class: 'help', id: 'token-help' }, 'From your identity provider. It stays in this tab, until the tab is closed.'),
    wrong,
    h('button', { class: 'button', type: 'submit' }, 'Sign in'),
  )
  place.append(
    h(
      'div',
      { class: 'sign-in' },
      h('h1', { tabindex: '-1' }, 'Sign in'),
      refused,
      people
        ? [
            h('p', { class: 'lead' }, 'This is the local runtime. Nobody is charged, and everybody may be anybody.'),
            h('div', { class: 'people' }, people.map((person) => choice(person, enter, refused))),
            h('details', {}, h('summary', {}, 'Use a token'), paste),
          ]
        : [h('p', { class: 'lead' }, 'Sign in with a token, to see products and orders.'), paste],
    ),
  )
}

const choice = ({ name, is_staff }, enter, refused) =>
  h(
    'button',
    { type: 'button', class: 'who-card', onclick: () => fetchToken(name).then(enter, () => refused.replaceChildren(note(new ConnectionLost()))) },
    h('span', { class: 'face', 'aria-hidden': 'true' }, name[0]),
    h('span', {}, h('b', {}, name), h('small', {}, is_staff ? 'Staff: sends orders, gives money back' : 'Customer')),
  )

async function findPeople(signal) {
  try {
    const response = await fetch('/local/people', { signal })
    return response.ok ? (await response.json()).people : null
  } catch {
    return null
  }
}

async function fetchToken(name) {
  const response = await fetch('/local/token', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name }) })
  return (await response.json()).token
}
