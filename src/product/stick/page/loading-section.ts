/** How to check and load what is on the stick, on each kind of machine. */
import type { BundleDescription } from '../../../bundle/description.ts';
import { html, type Markup } from './html.ts';

/** More names than this make no command that anybody would type. */
const mostNamesInCommand = 12;

export function renderLoading({ archive, parts }: BundleDescription): Markup {
  const names = parts.map(({ name }) => name);
  const isShort = names.length <= mostNamesInCommand;
  return html` <section aria-labelledby="load">
    <h2 id="load">Load them</h2>
    ${archive.isSplit && html`<p>The archive lies here in ${parts.length} parts. If they came on several discs, first copy all files of all discs into one folder.</p>`}
    <div class="systems">
      <section aria-labelledby="linux">
        <h3 id="linux">Linux</h3>
        <p>Open a terminal in this folder.</p>
        ${command('sh load.sh')}
        <p>
          It checks all files and says which images will be added or replaced. Then it loads them, and
          compares each with the list. To see what it would do, and change nothing:
        </p>
        ${command('sh load.sh --dry-run')}
        <p>It takes the first engine that answers. To choose one, name it:</p>
        ${command('sh load.sh --to podman')}
        ${
          isShort &&
          html`<details>
            <summary>By hand</summary>
            ${command(archive.isSplit ? `cat ${names.join(' ')} | docker load` : `docker load -i ${archive.name}`)}
            <p>Docker needs the program <code>xz</code> on the machine that it runs on.</p>
          </details>`
        }
      </section>
      <section aria-labelledby="windows">
        <h3 id="windows">Windows</h3>
        <p>
          With Docker Desktop and <abbr title="Windows Subsystem for Linux">WSL</abbr>: turn on your
          distribution in Docker Desktop under Settings, Resources, WSL integration. Then, for a stick that is
          drive D:, in a WSL terminal:
        </p>
        ${command('sudo mkdir -p /mnt/d\nsudo mount -t drvfs D: /mnt/d\ncd /mnt/d\nsh load.sh')}
        <p>
          The first two lines are needed only where <code>/mnt/d</code> is empty. If the files lie in a
          folder, <code>cd</code> into that.
        </p>
        ${
          isShort &&
          html`<details>
            <summary>Without WSL</summary>
            <p>In PowerShell, in this folder. The sum must be the one shown under “Check them”.</p>
            ${archive.isSplit && command(`cmd /c copy /b ${names.join('+')} ${archive.name}`)}
            ${command(`Get-FileHash ${archive.name}`)}
            <p>
              Extract <code>${archive.name}</code> with 7-Zip, once, which gives <code>images.tar</code>.
              Then:
            </p>
            ${command('docker load -i images.tar')}
          </details>`
        }
      </section>
      <section aria-labelledby="macos">
        <h3 id="macos">macOS</h3>
        <p>Start Docker Desktop. In a terminal, for a stick that is called STICK:</p>
        ${command('cd /Volumes/STICK\nsh load.sh')}
        <p>
          The script needs <code>xz</code>, which macOS does not have by itself (<code>brew install xz</code
          >).
        </p>
        ${
          isShort &&
          html`<details>
            <summary>Without xz</summary>
            <p>The <code>tar</code> of macOS can unpack it.</p>
            ${command(archive.isSplit ? `cat ${names.join(' ')} | tar -cf - @- | docker load` : `tar -cf - @${archive.name} | docker load`)}
          </details>`
        }
      </section>
    </div>
  </section>`;
}

export function renderChecking({ archive, parts }: BundleDescription): Markup {
  return html` <section aria-labelledby="check">
    <h2 id="check">Check them</h2>
    <p><code>load.sh</code> does this first by itself. To check a copy and load nothing:</p>
    ${command('sh verify.sh')}
    <p>
      Or with the system’s own tools: <code>sha256sum -c SHA256SUMS</code> on Linux,
      <code>shasum -a 256 -c SHA256SUMS</code> on macOS. Sums show that nothing broke on the way. Who made the
      files, they cannot tell: for that, compare them with sums that came on another way.
    </p>
    <details>
      <summary>${parts.length === 1 ? 'The sum' : 'The sums'}</summary>
      <dl class="sums">
        ${
          archive.isSplit &&
          html`<dt>${archive.name}, all parts joined</dt>
            <dd><code>${archive.sha256}</code></dd> `
        }${parts.map(
          (part) =>
            html`<dt>${part.name}</dt>
              <dd><code>${part.sha256}</code></dd> `,
        )}
      </dl>
    </details>
  </section>`;
}

/** The script puts a button beside it that copies it. */
function command(text: string): Markup {
  return html`<pre tabindex="0"><code>${text}</code></pre>`;
}
