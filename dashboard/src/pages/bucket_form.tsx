import type { ComponentChildren } from "preact";
import { settings as api, type Filesystem, type S3 } from "../api";
import { Check, TextField } from "../parts/form";
import { Discard } from "../parts/discard";
import { useFirstWrong } from "../parts/first_wrong";
import { Notice, Said } from "../parts/notice";
import { Problem, problem } from "../problem";
import { t } from "../texts";
import { withSecret, type Form } from "./settings_form";

export type BucketDraft = S3 & { secret: string };

export const readBucket = ({ enabled, bucket, region, endpoint, accessKey, forcePathStyle }: S3): BucketDraft => ({ enabled, bucket, region, endpoint, accessKey, forcePathStyle, secret: "" });
export const bucketBody = ({ secret, ...rest }: BucketDraft) => withSecret(rest, "secret", secret);

interface Props {
  /** The heading's id. */
  id: string;
  title: string;
  use: string;
  hint: string;
  save: string;
  form: Form<BucketDraft>;
  /** Where its parts lie in the settings. */
  path: string;
  saved: S3;
  filesystem: Filesystem;
  /** What becomes of what lies elsewhere. */
  children?: ComponentChildren;
}

/** A bucket, which is tried as soon as it is saved: nobody wants to hear of a mistake in it from the next backup. */
export function BucketForm({ id, title, use, hint, save, form, path, saved, filesystem, children }: Props) {
  const { draft, set, problems } = form;
  const problemOf = (name: string) => problems[`${path}.${name}`];
  const tried = (failed: (why: string) => string) => async () => {
    try {
      await api.testS3(filesystem);
    } catch (error) {
      // What PocketBase's words begin with says no more than ours.
      throw new Problem(failed(problem(error).text.replace(/^.*Raw error:\s*/s, "")));
    }
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    const { enabled } = draft;
    if ((await form.save()) && enabled) await form.attempt(tried(t.settings.savedButFails), t.settings.savedAndWorks, t.settings.savedTrying);
  };
  return (
    <form ref={useFirstWrong(form.problems)} class="card" onSubmit={(event) => void submit(event)} aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <Check label={use} value={draft.enabled} onValue={(enabled) => set({ enabled })} hint={hint} />
      {children}
      {draft.enabled && (
        <>
          <TextField label={t.settings.endpoint} value={draft.endpoint} onValue={(endpoint) => set({ endpoint })} problem={problemOf("endpoint")} placeholder="https://s3.eu-central-1.amazonaws.com" mono />
          <div class="grid">
            <TextField label={t.settings.bucket} value={draft.bucket} onValue={(bucket) => set({ bucket })} problem={problemOf("bucket")} mono />
            <TextField label={t.settings.region} value={draft.region} onValue={(region) => set({ region })} problem={problemOf("region")} placeholder="eu-central-1" mono />
            <TextField label={t.settings.accessKey} value={draft.accessKey} onValue={(accessKey) => set({ accessKey })} problem={problemOf("accessKey")} mono />
            <TextField label={t.settings.secret} type="password" value={draft.secret} onValue={(secret) => set({ secret })} problem={problemOf("secret")} placeholder={saved.accessKey ? t.settings.unchanged : ""} autocomplete="new-password" mono />
          </div>
          {isOwnAddress(draft.endpoint) && !draft.forcePathStyle && <Notice tone="warn">{t.settings.pathStyleNeeded}</Notice>}
          <Check label={t.settings.pathStyle} value={draft.forcePathStyle} onValue={(forcePathStyle) => set({ forcePathStyle })} />
        </>
      )}
      <Said said={form.said} />
      <div class="actions">
        {saved.enabled && (
          <button type="button" disabled={form.waiting} onClick={() => void form.attempt(tried(t.settings.bucketFails), t.settings.bucketWorks, t.settings.trying)}>
            {t.settings.testSaved}
          </button>
        )}
        <Discard of={form} />
        <button class="primary" disabled={form.waiting}>
          {save}
        </button>
      </div>
    </form>
  );
}

/** An address that no bucket's name can be put before: an IP address, or this machine. */
function isOwnAddress(endpoint: string): boolean {
  const host = endpoint.trim().replace(/^\w+:\/\//, "").replace(/[/?#].*$/, "").replace(/:\d*$/, "");
  return /^(localhost|\d+(\.\d+){3}|\[[\da-f:.]+\])$/i.test(host);
}
