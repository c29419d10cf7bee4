# The wheel holds a library for one platform, and no extension module: tagged for any Python 3, not for every machine.
import pathlib

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.dist import Distribution

has_library = (pathlib.Path(__file__).parent / "src/gobi/libgobi.so.1").exists()


class PlatformDistribution(Distribution):
    def has_ext_modules(self):
        return has_library


class AnyPython(bdist_wheel):
    def get_tag(self):
        python, abi, platform = super().get_tag()
        return "py3", "none", platform


setup(distclass=PlatformDistribution, cmdclass={"bdist_wheel": AnyPython})
