/** What the page can do beyond being read, where scripts run: copy a command, pick out a group of layers, open everything for print. */

/** Plain JavaScript. It must not contain the end tag of a script. */
export const pageScript = `
'use strict';
for (const pre of document.querySelectorAll('pre')) {
  if (!navigator.clipboard) break;
  const box = document.createElement('div');
  const button = document.createElement('button');
  box.className = 'command';
  button.type = 'button';
  button.className = 'copy';
  button.textContent = 'Copy';
  button.setAttribute('aria-label', 'Copy: ' + pre.textContent.split('\\n')[0]);
  button.addEventListener('click', () => {
    navigator.clipboard.writeText(pre.textContent).then(
      () => { button.textContent = 'Copied'; },
      () => { getSelection().selectAllChildren(pre); button.textContent = 'Selected'; },
    );
  });
  button.addEventListener('blur', () => { button.textContent = 'Copy'; });
  pre.replaceWith(box);
  box.append(pre, button);
}
let picked = '';
const pick = (letter) => {
  picked = letter === picked ? '' : letter;
  document.documentElement.toggleAttribute('data-picked', picked !== '');
  for (const layer of document.querySelectorAll('svg.layer')) {
    layer.classList.toggle('picked', picked !== '' && layer.dataset.group === picked);
  }
  for (const button of document.querySelectorAll('button.key')) {
    button.setAttribute('aria-pressed', String(button.value === picked));
  }
};
for (const item of document.querySelectorAll('.key-list li[data-group]')) {
  const key = item.querySelector('.key');
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'key';
  button.value = item.dataset.group;
  button.setAttribute('aria-pressed', 'false');
  button.setAttribute('aria-label', 'Show where the layers ' + button.value + ' are');
  button.append(...key.childNodes);
  button.addEventListener('click', () => { pick(button.value); });
  key.replaceWith(button);
}
addEventListener('keydown', (event) => { if (event.key === 'Escape' && picked !== '') pick(picked); });
addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('details:not([open])')) {
    details.open = true;
    details.dataset.opened = '';
  }
});
addEventListener('afterprint', () => {
  for (const details of document.querySelectorAll('details[data-opened]')) {
    details.open = false;
    delete details.dataset.opened;
  }
});
`;
