"""Physical constants and the field's fixed numbers, in one place so that every module agrees.

Wavelengths are in Angstrom (air), ages in yr, masses in Msun formed, luminosity densities in Lsun/Angstrom.
"""

C_KMS = 299792.458
C_AA_S = 2.99792458e18
H_ERG_S = 6.62607015e-27
LSUN_ERG_S = 3.828e33  # IAU 2015 resolution B3
PC_CM = 3.0856775814913673e18
LYMAN_LIMIT_AA = 911.75
FWHM_PER_SIGMA = 2.3548200450309493  # 2 sqrt(2 ln 2)
BIRTH_CLOUD_AGE_YR = 1.0e7  # Charlot & Fall 2000
UNIVERSE_AGE_YR = 13.8e9  # lookback time at which every history starts
AB_ZERO_POINT = -48.6  # cgs, Oke & Gunn 1983
LN10 = 2.302585092994046
