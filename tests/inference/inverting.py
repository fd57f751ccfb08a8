"""A model that inverts, and folders through it."""

from portrayal.inference.files import Files
from portrayal.inference.jobs import find_jobs
from portrayal.inference.streams import translate_files
from portrayal.inference.translator import How, Translator


class Negative:
    """A recipe that inverts; counts how many pictures it was shown at once."""

    multiple = 4

    def __init__(self, answer=lambda source, call: -source):
        self.answer, self.batches = answer, []

    def translate(self, source, *, reverse=False, seed=0, report=None):
        self.batches.append(len(source))
        return self.answer(source, len(self.batches))


def negative(model="1", *answer):
    facts = {"recipe": "negative", "config": {}, "data": {"size": [8, 8]}}
    return Translator(Negative(*answer), facts, {"files": {"weights.safetensors": model * 64}})


def run(translator, source, out, how=How(), files=Files(), suffix="png", **options):
    jobs = find_jobs(source, out, suffix)
    outcomes = list(translate_files(translator, jobs, how, files, **options))
    return {outcome.name: outcome for outcome in outcomes}


def kinds(outcomes):
    return sorted(outcome.kind for outcome in outcomes.values())


def tree(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
