// Parts that several pages have.

import { ConnectionLost, Refusal, SignedOut } from './api.js'
import { draw, h, speak } from './dom.js'
import { money, STATUSES, tie } from './format.js'
import { sentence } from './refusals.js'

export const icon = (path) => draw(`<svg viewBox="0 0 20 20" class="icon" aria-hidden="true"><path d="${path}"/></svg>`)

export const ICONS = {
  back: 'M12 4l-6 6 6 6',
  check: 'M4.5 10.6l3.6 3.5 7.4-8',
  cross: 'M5.5 5.5l9 9M14.5 5.5l-9 9',
  minus: 'M5 10h10',
  plus: 'M5 10h10M10 5v10',
}

export const pill = (status, text = STATUSES[status] ?? status) => h('span', { class: `pill ${status}` }, text)

export const heading = (text, note) => h('div', { class: 'heading' }, h('h1', { tabindex: '-1' }, text), note && h('p', {}, note))

// Where to go from a page that leads nowhere.
export const waysOn = () => h('p', { class: 'links ways-on' }, h('a', { class: 'button', href: '#/orders' }, 'Your orders'), h('a', { class: 'button quiet', href: '#/' }, 'Products'))

function told(error) {
  if (error instanceof Refusal) return [sentence(error), [error.code, error.facts.request_id].filter(Boolean).join(' · ')]
  if (error instanceof ConnectionLost) return ['The checkout cannot be reached. Please look at your connection.', 'no connection']
  if (error instanceof SignedOut) return ['Your sign-in has run out, or was not accepted. Please sign in again.', 'token refused']
  console.error(error)
  return ['Something went wrong on this page. Please reload it.', 'page fault']
}

// A refusal as people read it: the sentence, and small what a support desk asks for.
export function note(error) {
  const [text, code] = told(error)
  return h('div', { class: 'note bad', role: 'alert' }, h('p', {}, text), h('p', { class: 'code' }, code))
}

// A button that works while it works: it cannot be pressed meanwhile, and says what it does.
export function action(label, working, work, { className = 'button', type = 'button', place } = {}) {
  const button = h('button', { type, class: className }, label)
  button.addEventListener('click', async () => {
    if (button.getAttribute('aria-disabled')) return
    button.setAttribute('aria-disabled', 'true')
    button.textContent = working
    place?.replaceChildren()
    try {
      await work()
    } catch (error) {
      if (error instanceof SignedOut) dispatchEvent(new CustomEvent('signed-out'))
      else if (error.name !== 'AbortError') place?.replaceChildren(note(error))
    } finally {
      button.removeAttribute('aria-disabled')
      button.textContent = label
    }
  })
  return button
}

export function stepper(name, quantity, change) {
  const shown = h('span', { class: 'quantity', 'aria-hidden': 'true' }, String(quantity))
  const step = (by, label, path) =>
    h('button', { type: 'button', 'aria-label': `${label} ${name}, ${quantity} in the basket`, onclick: () => speak(`${name}: ${change(quantity + by)}`) }, icon(path))
  return h('div', { class: 'stepper', role: 'group', 'aria-label': `Quantity of ${name}` }, step(-1, 'Less', ICONS.minus), shown, step(1, 'More', ICONS.plus))
}

export function itemList({ items, currency }) {
  const row = ({ name, quantity, unit_price, amount }) =>
    h(
      'li',
      {},
      h('span', { class: 'item-name' }, h('b', {}, tie(name)), h('small', {}, `${quantity} × ${money(unit_price, currency)}`)),
      h('span', { class: 'amount' }, money(amount, currency)),
    )
  return h('ul', { class: 'items' }, items.map(row))
}

export const empty = (title, text, link) => h('div', { class: 'empty' }, h('p', { class: 'empty-title' }, title), h('p', {}, text), link)
