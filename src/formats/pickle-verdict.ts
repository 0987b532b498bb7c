/**
 * What an import of a pickle is good for, by its name. It explains; it never lets anything pass: a pickle runs code whatever
 * its imports are called. Spec: docs/spec/07-formats.md §5.5.
 */
import type { ImportVerdict } from './pickle-report.ts';

/** Modules of which everything is dangerous, with what is under them. */
const DANGEROUS_MODULES = new Set(
  (
    'os posix nt posixpath ntpath subprocess sys socket shutil ctypes _ctypes cffi importlib imp runpy pty pip pdb bdb code codeop ' +
    'commands webbrowser asyncio multiprocessing threading _thread signal pickle _pickle cPickle dill cloudpickle marshal shelve ' +
    'types inspect gc pkgutil zipimport site venv ensurepip distutils setuptools timeit cProfile profile trace doctest pydoc ' +
    'http httplib urllib urllib2 requests httpx aiohttp ftplib smtplib telnetlib xmlrpc ssl io _io tempfile pathlib glob fileinput ' +
    'linecache tarfile zipfile nturl2path platform logging sqlite3 winreg msvcrt resource faulthandler atexit idlelib lib2to3 test ' +
    'unittest pytest torch.hub torch.utils.cpp_extension torch.jit torch.distributed.rpc torch._dynamo torch._inductor torch.fx numpy.f2py ' +
    'numpy.distutils numpy.testing pandas.io pandas.core.computation joblib.numpy_pickle_compat joblib.externals IPython jinja2 yaml bpython'
  ).split(' '),
);
const DANGEROUS_NAMES = new Set([
  ...'eval exec execfile compile open file input breakpoint getattr setattr delattr hasattr __import__ globals locals vars apply reload map filter type super help memoryview classmethod staticmethod'
    .split(' ')
    .flatMap((name) => [`builtins.${name}`, `__builtin__.${name}`, `__builtins__.${name}`]),
  ...'operator.attrgetter operator.methodcaller operator.itemgetter _operator.attrgetter _operator.methodcaller _operator.itemgetter'.split(
    ' ',
  ),
  ...'functools.partial functools.reduce _functools.partial _functools.reduce joblib.load torch.load torch.serialization.load numpy.load'.split(
    ' ',
  ),
  ...'torch.package.PackageImporter torch.storage._load_from_bytes codecs.open'.split(' '),
]);
const KNOWN_NAMES = new Set([
  ...'collections.OrderedDict collections.defaultdict collections.Counter collections.deque copyreg._reconstructor copy_reg._reconstructor _codecs.encode datetime.datetime datetime.date datetime.timedelta decimal.Decimal fractions.Fraction uuid.UUID'.split(
    ' ',
  ),
  ...'numpy.ndarray numpy.dtype numpy.core.multiarray._reconstruct numpy.core.multiarray.scalar numpy.core.numeric._frombuffer numpy._core.multiarray._reconstruct numpy._core.multiarray.scalar numpy._core.numeric._frombuffer numpy.random._pickle.__randomstate_ctor numpy.random._pickle.__generator_ctor numpy.random._pickle.__bit_generator_ctor'.split(
    ' ',
  ),
  ...'joblib.numpy_pickle.NumpyArrayWrapper torch.Size torch.device torch.dtype torch.Tensor torch.nn.parameter.Parameter torch._utils._rebuild_tensor torch._utils._rebuild_tensor_v2 torch._utils._rebuild_parameter torch._utils._rebuild_qtensor torch._tensor._rebuild_from_type_v2'.split(
    ' ',
  ),
]);
const BUILT_IN_TYPES =
  'set frozenset list dict tuple int long float complex str unicode bytes bytearray bool object range xrange slice'.split(
    ' ',
  );
for (const name of BUILT_IN_TYPES) for (const from of ['builtins', '__builtin__']) KNOWN_NAMES.add(`${from}.${name}`);

/** Classes, named as classes are, of libraries whose models are pickles. */
const KNOWN_CLASSES = /^(?:sklearn|scipy\.sparse|torch\.nn\.modules|xgboost|lightgbm)(?:\.\w+)*$/;
const TORCH_STORAGE = /^torch\.(?:\w*Storage|float\d+|bfloat16|u?int\d+|bool|complex\d+)$/;

export function judgeImport(module: string, name: string): ImportVerdict {
  if (module === '?' || name === '?') return 'unknown';
  const full = `${module}.${name}`;
  if (isDangerousModule(module) || DANGEROUS_NAMES.has(full) || reachesInside(name)) return 'dangerous';
  // A name with a dot is looked up step by step and may end anywhere.
  if (name.includes('.')) return isDangerousModule(full) ? 'dangerous' : 'unknown';
  if (KNOWN_NAMES.has(full) || TORCH_STORAGE.test(full)) return 'known';
  return KNOWN_CLASSES.test(module) && /^[A-Z]\w*$/.test(name) ? 'known' : 'unknown';
}

/** `Class.__init__.__globals__` and its kind. */
function reachesInside(name: string): boolean {
  return name.split('.').length > 1 && name.split('.').some((part) => part.startsWith('__'));
}

/** The module or one that it is in. */
function isDangerousModule(module: string): boolean {
  const parts = module.split('.');
  return parts.some((_, index) => DANGEROUS_MODULES.has(parts.slice(0, index + 1).join('.')));
}
