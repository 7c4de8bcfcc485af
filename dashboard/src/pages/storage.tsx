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

/** The environment wins over these settings. */
function Overridden({ known, place }: { known: S3; place: Status["place"] }) {
  const isInForce = known.enabled ? place?.bucket === known.bucket && place.endpoint === known.endpoint : place === null;
  return isInForce ? null : <Notice tone="warn">{t.settings.overridden(place ? t.safety.bucket(place.bucket, place.endpoint) : t.safety.local)}</Notice>;
}

/** Where the backups that are listed now can be found once they are kept elsewhere. */
function Hidden({ known, wanted }: { known: S3; wanted: S3 }) {
  const [there, left] = [list.value?.length ?? 0, status.value?.leftOnDisk ?? 0];
  const isOther = wanted.bucket !== known.bucket || wanted.endpoint !== known.endpoint;
  if (!known.enabled) return wanted.enabled && there > 0 ? <Notice tone="warn">{t.settings.hidesDisk(there)}</Notice> : null;
  if (!wanted.enabled) return <Notice tone="warn">{t.settings.hidesBucket(known.bucket, left)}</Notice>;
  if (isOther) return <Notice tone="warn">{t.settings.hidesOther(known.bucket)}</Notice>;
  return left > 0 ? <Notice tone="calm">{t.settings.leftOnDisk(left)}</Notice> : null;
}
