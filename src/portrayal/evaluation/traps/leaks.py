"""Do the splits share subjects or pictures? A score on pictures seen in training is no score."""

from pathlib import Path

from portrayal.data.audit import audit
from portrayal.reports.results import Section


def leak_section(folder: Path) -> Section:
    """Subjects and near-duplicates that lie in several splits of a dataset folder."""
    found = audit(folder, faces=False)
    subjects, copies = found["subjects"], found["near_duplicates"]
    rows: list[list[str | float | None]] = [
        ["subjects in several splits", subjects["leaks"], f"of {subjects['subjects']:,} subjects"]
    ]
    rows += [
        [f"subject {leak['subject']}", None, ", ".join(leak["splits"])]
        for leak in subjects["listed"][:10]
    ]
    if copies["looked"]:
        rows.append(["near-duplicates in several splits", copies["leaks"], "groups of targets"])
        shown = [group["pictures"] for group in copies["listed"][: min(10, copies["leaks"])]]
        rows += [["near-duplicates", None, ", ".join(names[:6])] for names in shown]
    else:
        rows.append(["near-duplicates", None, "drawn pictures look alike; not looked for"])
    return Section(
        key="leak",
        title="Do the splits share anything?",
        note="Subjects by their column, near-duplicates by a perceptual hash confirmed on "
        "thumbnails (recompressed, resized, brightened, cropped by 2 %). 0 is right; with more, "
        "the test is easier than new pictures are.",
        head=["what", "found", "which"],
        rows=rows,
    )
