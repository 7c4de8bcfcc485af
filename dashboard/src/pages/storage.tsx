import type { S3, Settings, Status } from "../api";
import { list, status } from "../live";
import { Notice } from "../parts/notice";
import { t } from "../texts";
import { BucketForm, bucketBody, readBucket, type BucketDraft } from "./bucket_form";
import { useForm, type Shape } from "./settings_form";

const storage: Shape<BucketDraft> = {
  place: "settings/storage",
  read: ({ backups: { s3 } }) => readBucket(s3),
  body: (draft) => ({ backups: { s3: bucketBody(draft) } }),
};

/** Where backups go. */
export function Storage({ known }: { known: Settings }) {
  const form = useForm(known, storage);
  const saved = known.backups.s3;
  return (
    <BucketForm
      id="storage"
      title={t.settings.storage}
      use={t.settings.useBucket}
      hint={t.settings.bucketHint}
      save={t.settings.saveStorage}
      form={form}
      path="backups.s3"
      saved={saved}
      filesystem="backups"
    >
      <Overridden known={saved} place={status.value?.place ?? null} />
      <Hidden known={saved} wanted={form.draft} />
    </BucketForm>
  );
}

const files: Shape<BucketDraft> = {
  place: "settings/files",
  read: ({ s3 }) => readBucket(s3),
  body: (draft) => ({ s3: bucketBody(draft) }),
};

/** Where uploaded files go. */
export function Files({ known: { s3: saved, ...rest } }: { known: Settings }) {
  const form = useForm({ ...rest, s3: saved }, files);
  const { draft } = form;
  const isOther = draft.bucket !== saved.bucket || draft.endpoint !== saved.endpoint;
  const isShared = draft.enabled && rest.backups.s3.enabled && draft.bucket === rest.backups.s3.bucket && draft.endpoint === rest.backups.s3.endpoint;
  return (
    <BucketForm
      id="files"
      title={t.settings.filesPlace}
      use={t.settings.useFilesBucket}
      hint={t.settings.filesHint}
      save={t.settings.saveFiles}
      form={form}
      path="s3"
      saved={saved}
      filesystem="storage"
    >
      {saved.enabled && !draft.enabled && <Notice tone="warn">{t.settings.filesLeave(saved.bucket)}</Notice>}
      {saved.enabled && draft.enabled && isOther && <Notice tone="warn">{t.settings.filesMove(saved.bucket)}</Notice>}
      {isShared && <Notice tone="warn">{t.settings.filesOwnBucket}</Notice>}
    </BucketForm>
  );
}

/** The environment wins over these settings. */
function Overridden({ known, place }: { known: S3; place: Status["place"] }) {
  const isInForce = known.enabled ? place?.bucket === known.bucket && place.endpoint === known.endpoint : place === null;
  return isInForce ? null : <Notice tone="warn">{t.settings.overridden(place ? t.safety.bucket(place.bucket, place.endpoint) : t.safety.local)}</Notice>;
}

/** Where the backups that are listed now can be found once they are kept elsewhere. */
function Hidden({ known, wanted }: { known: S3; wanted: S3 }) {
  const there = list.value?.length ?? 0;
  const left = status.value ? status.value.leftOnDisk : 0;
  const isOther = wanted.bucket !== known.bucket || wanted.endpoint !== known.endpoint;
  if (!known.enabled) return wanted.enabled && there > 0 ? <Notice tone="warn">{t.settings.hidesDisk(there)}</Notice> : null;
  if (!wanted.enabled) return <Notice tone="warn">{t.settings.hidesBucket(known.bucket, left)}</Notice>;
  if (isOther) return <Notice tone="warn">{t.settings.hidesOther(known.bucket)}</Notice>;
  if (left === null) return <Notice tone="warn">{t.settings.leftUnknown}</Notice>;
  return left > 0 ? <Notice tone="calm">{t.settings.leftOnDisk(left)}</Notice> : null;
}
